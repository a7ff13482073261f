"""What comes in over a stream: order, refusals, limits, receipts, and every way in which a peer may break it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Any

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.core.peers import incoming
from noderr.core.peers.caller import PeerLimits
from noderr.core.peers.credentials import FRAME_MESSAGES, peer_channel
from noderr.core.peers.errors import (
    DeliveryTimeoutError,
    MessageRefusedError,
    PeerRefusedError,
    PeerUnavailableError,
)
from noderr.core.peers.testing import PeerNode, connected, until
from noderr.core.peers.testing_streams import TOPIC, raw_stream, send
from noderr.types.wire.node_pb2 import Envelope, Frame

os.environ.setdefault("GRPC_VERBOSITY", "NONE")


async def test_messages_keep_their_order_and_share_frames(pair: tuple[PeerNode, PeerNode]) -> None:
    first, second = pair
    got: list[int] = []

    async def take(_sender: str, payload: bytes) -> None:
        got.append(int(payload))
        if int(payload) % 7 == 0:
            await asyncio.sleep(0)  # One that waits does not let the next one pass.

    second.network.on(TOPIC, take)
    await asyncio.gather(*(send(first, second, b"%d" % number) for number in range(500)))
    assert got == list(range(500))


async def test_refusal_in_the_middle_ends_nothing(pair: tuple[PeerNode, PeerNode]) -> None:
    first, second = pair

    async def odd_only(_sender: str, payload: bytes) -> None:
        if int(payload) % 2 == 0:
            raise MessageRefusedError(f"{int(payload)} is even")

    second.network.on(TOPIC, odd_only)
    results = await asyncio.gather(*(send(first, second, b"%d" % n) for n in range(200)), return_exceptions=True)
    for number, result in enumerate(results):
        if number % 2:
            assert result is None
        else:
            assert isinstance(result, PeerRefusedError)
            assert result.code == "INVALID_ARGUMENT"
            assert f"{number} is even" in str(result)
    stats = {
        outcome: second.sample("noderr_peer_received_total", peer=first.identity.node_id, outcome=outcome)
        for outcome in ("taken", "refused")
    }
    assert stats == {"taken": 100, "refused": 100}


async def test_those_before_a_slow_one_have_their_receipts(pair: tuple[PeerNode, PeerNode]) -> None:
    first, second = pair
    hold = asyncio.Event()

    async def take(_sender: str, payload: bytes) -> None:
        if payload == b"slow":
            await hold.wait()

    second.network.on(TOPIC, take)
    quick, slow, behind = (asyncio.ensure_future(send(first, second, p)) for p in (b"", b"slow", b""))
    await asyncio.wait_for(quick, 2)
    await asyncio.sleep(0.05)
    assert not slow.done()
    assert not behind.done()
    hold.set()
    await asyncio.gather(slow, behind)


async def test_handler_that_takes_too_long_is_ended_and_the_next_one_goes_on(
    pair: tuple[PeerNode, PeerNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming, "_HANDLER_SECONDS", 0.1)
    first, second = pair
    ended = asyncio.Event()

    async def take(_sender: str, payload: bytes) -> None:
        if payload == b"slow":
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

    second.network.on(TOPIC, take)
    slow, behind = (asyncio.ensure_future(send(first, second, p)) for p in (b"slow", b""))
    with pytest.raises(DeliveryTimeoutError, match="it may have got it"):
        await slow
    await behind
    assert ended.is_set()


async def test_limit_refuses_single_messages_of_a_frame() -> None:
    # The hello and the stream cost one each.
    first, second = PeerNode(1), PeerNode(2, limits=PeerLimits(per_second=0.001, burst=12))

    async def take(_sender: str, _payload: bytes) -> None: ...

    second.network.on(TOPIC, take)
    async with connected(first, second):
        results = await asyncio.gather(*(send(first, second, b"") for _ in range(25)), return_exceptions=True)
    assert results[:10] == [None] * 10
    assert {getattr(result, "code", None) for result in results[10:]} == {"RESOURCE_EXHAUSTED"}


async def test_too_many_streams_of_one_peer_are_refused() -> None:
    first, second, third = PeerNode(1), PeerNode(2, limits=PeerLimits(at_once=3)), PeerNode(3)

    async def take(_sender: str, _payload: bytes) -> None: ...

    second.network.on(TOPIC, take)
    async with connected(first, second, third), contextlib.AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(raw_stream(first, second)) for _ in range(3)]
        for stream in streams:
            await stream.write(Frame(messages=[Envelope(topic=TOPIC)]))
            assert (await stream.read()).through == 1
        with pytest.raises(PeerRefusedError, match="too many streams"):
            await send(first, second, b"")
        await send(third, second, b"")
        streams[0].cancel()
        await until(lambda: len(second.network._incoming._callers[first.identity.public_key].streams) == 2)
        await send(first, second, b"")


@pytest.mark.parametrize("count", [0, FRAME_MESSAGES + 1])
async def test_frame_with_none_or_too_many_ends_its_stream(pair: tuple[PeerNode, PeerNode], count: int) -> None:
    first, second = pair
    async with raw_stream(first, second) as stream:
        await stream.write(Frame(messages=[Envelope(topic=TOPIC)] * count))
        with pytest.raises(grpc.aio.AioRpcError, match="from 1 to 64 may be") as caught:
            await stream.read()
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


@settings(max_examples=20, deadline=None)
@given(st.binary(max_size=300))
def test_garbage_hurts_its_own_stream_only(garbage: bytes) -> None:
    async def run() -> None:
        first, second = PeerNode(1), PeerNode(2)
        got: list[bytes] = []

        async def take(_sender: str, payload: bytes) -> None:
            got.append(payload)

        second.network.on(TOPIC, take)
        async with connected(first, second):
            await send(first, second, b"before")
            address = f"127.0.0.1:{second.port}"
            async with peer_channel(first.credentials, second.identity.public_key, address) as channel:
                call: Any = channel.stream_stream("/noderr.node.v1.Peer/Stream")()
                await call.write(garbage)
                with contextlib.suppress(grpc.aio.AioRpcError):
                    await asyncio.wait_for(call.read(), 5)
            await send(first, second, b"after")
        assert got == [b"before", b"after"]

    asyncio.run(run())


async def test_peer_taken_off_the_list_loses_its_stream(pair: tuple[PeerNode, PeerNode]) -> None:
    first, second = pair
    entered, left = asyncio.Event(), asyncio.Event()

    async def wait(_sender: str, _payload: bytes) -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    second.network.on(TOPIC, wait)
    waiting = asyncio.ensure_future(send(first, second, b""))
    await entered.wait()
    second.network.update([])
    with pytest.raises(PeerUnavailableError, match="list of peers changes"):
        await asyncio.wait_for(waiting, 3)
    assert left.is_set()
    with pytest.raises(PeerRefusedError, match="not on the peer list"):
        await send(first, second, b"")


async def test_what_is_owed_is_told_before_a_bad_frame_ends_the_stream(pair: tuple[PeerNode, PeerNode]) -> None:
    first, second = pair

    async def take(_sender: str, _payload: bytes) -> None: ...

    second.network.on(TOPIC, take)
    for prompt in (True, False):
        async with asyncio.timeout(5), raw_stream(first, second) as stream:
            await stream.write(Frame(messages=[Envelope(topic=TOPIC)], prompt=prompt))
            await stream.write(Frame())
            assert (await stream.read()).through == 1
            with pytest.raises(grpc.aio.AioRpcError, match="from 1 to 64 may be"):
                await stream.read()


async def test_receipt_of_an_offer_comes_within_the_quarter_second_and_counts(pair: tuple[PeerNode, PeerNode]) -> None:
    first, second = pair

    async def take(_sender: str, _payload: bytes) -> None: ...

    second.network.on(TOPIC, take)
    assert first.network.offer(second.identity.node_id, TOPIC, b"")
    assert first.network.offer(second.identity.node_id, "unknown", b"")
    peer = second.identity.node_id
    for outcome in ("delivered", "failed"):
        await until(lambda o=outcome: first.sample("noderr_peer_sent_total", peer=peer, outcome=o) == 1, 2)  # type: ignore[misc]
