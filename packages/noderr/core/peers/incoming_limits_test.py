"""How much of us one peer may take: words, messages by their size, calls, and turns of the loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from typing import Any

import grpc
import pytest
import structlog
from structlog.testing import capture_logs

from noderr.core.peers import incoming
from noderr.core.peers.caller import PeerLimits
from noderr.core.peers.credentials import peer_channel
from noderr.core.peers.errors import PeerRefusedError
from noderr.core.peers.testing import PeerNode, connected, until
from noderr.core.peers.testing_streams import TOPIC, raw_stream, send
from noderr.types.wire.node_pb2 import Envelope, Frame, HelloRequest, NodeStatus
from noderr.types.wire.node_pb2_grpc import PeerStub

os.environ.setdefault("GRPC_VERBOSITY", "NONE")


async def take(_sender: str, _payload: bytes) -> None: ...


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


# The hello and the stream, which come before all messages, cost one each.
@pytest.mark.parametrize(
    ("length", "taken"), [(0, 10), (4096 - len(TOPIC) - 1, 10), (4096 - len(TOPIC), 5), (9 * 4096, 1)]
)
async def test_a_message_costs_a_token_and_one_more_for_each_4_kib(length: int, taken: int) -> None:
    first, second = PeerNode(1), PeerNode(2, limits=PeerLimits(per_second=0.001, burst=12))
    second.network.on(TOPIC, take)
    async with connected(first, second):
        results = await asyncio.gather(*(send(first, second, bytes(length)) for _ in range(12)), return_exceptions=True)
    assert results[:taken] == [None] * taken
    assert {getattr(result, "code", None) for result in results[taken:]} == {"RESOURCE_EXHAUSTED"}


async def test_a_message_dearer_than_a_full_bucket_is_taken_when_it_is_full() -> None:
    first, second = PeerNode(1), PeerNode(2, limits=PeerLimits(per_second=100, burst=12))
    second.network.on(TOPIC, take)
    async with connected(first, second):
        with pytest.raises(PeerRefusedError, match="too many messages"):
            await asyncio.gather(*(send(first, second, bytes(500_000)) for _ in range(2)))
        await asyncio.sleep(0.2)
        await send(first, second, bytes(500_000))


async def test_hellos_and_streams_count_as_messages_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "_LIMITED_SECONDS", 0.01)
    first, second = PeerNode(1), PeerNode(2, limits=PeerLimits(per_second=0.001, burst=11))
    second.network.on(TOPIC, take)

    async def hello(stub: Any) -> None:
        await stub.Hello(HelloRequest(), timeout=5)

    async def stream(stub: Any) -> None:
        call = stub.Stream(timeout=5)
        await call.write(Frame(messages=[Envelope(topic=TOPIC)], prompt=True))
        await call.read()

    async with connected(first, second):
        address = f"127.0.0.1:{second.port}"
        async with peer_channel(first.credentials, second.identity.public_key, address) as channel:
            stub: Any = PeerStub(channel)
            for _ in range(4):
                await hello(stub)
            for _ in range(3):
                await stream(stub)
            for call in (hello, stream, hello):
                with pytest.raises(grpc.aio.AioRpcError, match="too many calls") as caught:
                    await call(stub)
                assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert second.sample("noderr_peer_received_total", peer=first.identity.node_id, outcome="limited") == 3


async def test_a_long_hello_costs_more() -> None:
    first, second = PeerNode(1), PeerNode(2, limits=PeerLimits(per_second=0.001, burst=12))
    long = HelloRequest(status=NodeStatus(version="v" * 40_000))
    async with connected(first, second):
        address = f"127.0.0.1:{second.port}"
        async with peer_channel(first.credentials, second.identity.public_key, address) as channel:
            stub: Any = PeerStub(channel)
            await stub.Hello(long, timeout=5)
            with pytest.raises(grpc.aio.AioRpcError, match="too many calls"):
                await stub.Hello(long, timeout=5)


async def test_a_peer_that_has_had_too_much_of_us_still_counts_as_connected() -> None:
    first, second = PeerNode(1), PeerNode(2, limits=PeerLimits(per_second=0.001, burst=1))
    async with connected(first, second):
        with pytest.raises(PeerRefusedError, match="too many calls"):
            await send(first, second, b"")
        [link] = first.network._links.values()
        assert not await link._hello()
        assert link.connected


async def test_who_is_over_its_limits_is_heard_slowly_over_all_its_streams_and_nobody_else_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(incoming, "_LIMITED_SECONDS", 0.2)
    first, second, third = PeerNode(1), PeerNode(2, limits=PeerLimits(per_second=0.001, burst=5)), PeerNode(3)
    second.network.on(TOPIC, take)
    async with connected(first, second, third), contextlib.AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(raw_stream(first, second)) for _ in range(2)]
        for stream in streams:  # With the hello before it, this takes all tokens.
            await stream.write(Frame(messages=[Envelope(topic=TOPIC)], prompt=True))
            assert (await stream.read()).refused == []
        began = time.monotonic()
        for stream in streams * 2:
            await stream.write(Frame(messages=[Envelope(topic=TOPIC)] * 2, prompt=True))
        await send(third, second, b"")
        for stream in streams:
            while (await stream.read()).through < 5:
                pass
        assert time.monotonic() - began >= 3 * 0.2  # The receipts of the last of the four frames do not wait.
    assert second.sample("noderr_peer_received_total", peer=first.identity.node_id, outcome="limited") == 8


async def test_over_many_streams_a_peer_has_one_message_handled_at_a_time_and_delays_nobody_else() -> None:
    first, second, third = PeerNode(1), PeerNode(2), PeerNode(3)
    busy, most = 0, 0
    hold = asyncio.Event()

    async def wait(sender: str, _payload: bytes) -> None:
        nonlocal busy, most
        if sender == first.identity.node_id:
            busy += 1
            most = max(most, busy)
            await hold.wait()
            busy -= 1

    second.network.on(TOPIC, wait)
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
