"""How much of us one peer may take: words, messages by their size, calls, and turns of the loop."""

from __future__ import annotations

import asyncio
import contextlib
import os

import pytest
import structlog
from structlog.testing import capture_logs

from noderr.core.peers.credentials import peer_channel
from noderr.core.peers.incoming import PeerLimits
from noderr.core.peers.testing import PeerNode, connected, until
from noderr.core.peers.testing_streams import TOPIC, raw_stream, send
from noderr.types.wire.node_pb2 import Envelope, Frame, HelloRequest, NodeStatus
from noderr.types.wire.node_pb2_grpc import PeerStub

os.environ.setdefault("GRPC_VERBOSITY", "NONE")


async def test_of_what_a_peer_says_of_itself_no_more_is_kept_than_a_word(pair: tuple[PeerNode, PeerNode]) -> None:
    first, second = pair
    talkative = NodeStatus(tier="t" * 500_000, version="v" * 500_000, ready=True)
    address = f"127.0.0.1:{second.port}"
    async with peer_channel(first.credentials, second.identity.public_key, address) as channel:
        await PeerStub(channel).Hello(HelloRequest(status=talkative), timeout=5)
    [seen] = second.network.describe()
    assert (seen.tier, seen.version, seen.ready) == ("t" * 64, "v" * 64, True)


async def test_of_what_a_peer_answers_of_itself_no_more_is_kept_or_logged_than_a_word() -> None:
    first, talkative = PeerNode(1), PeerNode(2, "t" * 500_000)
    with capture_logs() as logs:
        async with connected(first, talkative):
            [seen] = first.network.describe()
    assert seen.tier == "t" * 64
    assert max(len(str(line)) for line in logs) < 1000
    assert "peer_connected" in [line["event"] for line in logs]


async def test_of_a_correlation_id_no_more_is_bound_than_a_word(pair: tuple[PeerNode, PeerNode]) -> None:
    first, second = pair
    bound: list[str] = []

    async def take(_sender: str, _payload: bytes) -> None:
        bound.append(structlog.contextvars.get_contextvars()["correlation_id"])

    second.network.on(TOPIC, take)
    async with raw_stream(first, second) as stream:
        await stream.write(Frame(messages=[Envelope(topic=TOPIC, correlation_id="c" * 900_000)], prompt=True))
        await stream.read()
    assert bound == ["c" * 64]


@pytest.mark.parametrize(
    ("length", "taken"),
    [(0, 10), (4096 - len(TOPIC) - 1, 10), (4096 - len(TOPIC), 5), (9 * 4096, 1), (500_000, 1)],
)
async def test_a_message_costs_a_token_and_one_more_for_each_4_kib(length: int, taken: int) -> None:
    first, second = PeerNode(1), PeerNode(2, limits=PeerLimits(per_second=0.001, burst=10))

    async def take(_sender: str, _payload: bytes) -> None: ...

    second.network.on(TOPIC, take)
    async with connected(first, second):
        results = await asyncio.gather(*(send(first, second, bytes(length)) for _ in range(12)), return_exceptions=True)
    assert results[:taken] == [None] * taken
    assert {getattr(result, "code", None) for result in results[taken:]} == {"RESOURCE_EXHAUSTED"}


async def test_over_many_streams_a_peer_has_one_message_handled_at_a_time_and_delays_nobody_else() -> None:
    first, second, third = PeerNode(1), PeerNode(2), PeerNode(3)
    busy, most = 0, 0
    hold = asyncio.Event()

    async def take(sender: str, _payload: bytes) -> None:
        nonlocal busy, most
        if sender == first.identity.node_id:
            busy += 1
            most = max(most, busy)
            await hold.wait()
            busy -= 1

    second.network.on(TOPIC, take)
    async with connected(first, second, third), contextlib.AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(raw_stream(first, second)) for _ in range(5)]
        for stream in streams:
            await stream.write(Frame(messages=[Envelope(topic=TOPIC)] * 2, prompt=True))
        await until(lambda: busy > 0)
        await asyncio.wait_for(send(third, second, b""), 2)
        hold.set()
        for stream in streams:
            while (await stream.read()).through < 2:
                pass
    assert most == 1
