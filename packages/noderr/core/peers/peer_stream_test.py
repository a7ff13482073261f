"""The stream between two nodes: order, batches, refusals, limits, and every way in which it breaks."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.core.peers import incoming, outgoing
from noderr.core.peers.credentials import FRAME_MESSAGES, MAX_MESSAGE_BYTES, peer_channel
from noderr.core.peers.errors import (
    DeliveryTimeoutError,
    MessageRefusedError,
    PeerError,
    PeerRefusedError,
    PeerUnavailableError,
)
from noderr.core.peers.incoming import PeerLimits
from noderr.core.peers.testing import PeerNode, connected, until
from noderr.types.wire.node_pb2 import Envelope, Frame, HelloReply, Receipts, Refusal
from noderr.types.wire.node_pb2_grpc import PeerServicer, PeerStub, add_PeerServicer_to_server

os.environ.setdefault("GRPC_VERBOSITY", "NONE")

TOPIC = "tick"
_UNLIMITED = PeerLimits(per_second=1e9, burst=1e9)


@pytest.fixture
async def pair() -> AsyncIterator[tuple[PeerNode, PeerNode]]:
    first, second = PeerNode(1, limits=_UNLIMITED), PeerNode(2, limits=_UNLIMITED)
    async with connected(first, second):
        yield first, second


def send(sender: PeerNode, receiver: PeerNode, payload: bytes, topic: str = TOPIC) -> Awaitable[None]:
    return sender.network.send(receiver.identity.node_id, topic, payload)


@contextlib.asynccontextmanager
async def raw_stream(sender: PeerNode, receiver: PeerNode) -> AsyncIterator[Any]:
    """A stream on which a test may say what it likes."""
    address = f"127.0.0.1:{receiver.port}"
    async with peer_channel(sender.credentials, receiver.identity.public_key, address) as channel:
        yield PeerStub(channel).Stream()


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


async def test_what_waits_together_goes_in_one_frame(
    pair: tuple[PeerNode, PeerNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = pair
    frames: list[int] = []
    handle = incoming.IncomingStreams._handle_frame

    async def count(self: Any, caller: Any, frame: Frame, receipts: Any) -> None:
        frames.append(len(frame.messages))
        await handle(self, caller, frame, receipts)

    async def take(_sender: str, _payload: bytes) -> None: ...

    monkeypatch.setattr(incoming.IncomingStreams, "_handle_frame", count)
    second.network.on(TOPIC, take)
    await send(first, second, b"")
    frames.clear()
    await asyncio.gather(*(send(first, second, b"") for _ in range(100)))
    assert frames == [FRAME_MESSAGES, 100 - FRAME_MESSAGES]
    frames.clear()
    await asyncio.gather(*(send(first, second, b"x" * 400_000) for _ in range(5)))
    assert frames == [2, 2, 1]


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
    first, second = PeerNode(1), PeerNode(2, limits=PeerLimits(per_second=0.001, burst=10))

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


async def test_frame_that_is_too_large_is_never_made(pair: tuple[PeerNode, PeerNode]) -> None:
    first, second = pair
    sizes: list[int] = []

    async def take(_sender: str, payload: bytes) -> None:
        sizes.append(len(payload))

    second.network.on(TOPIC, take)
    room = MAX_MESSAGE_BYTES - 64
    await asyncio.gather(*(send(first, second, b"x" * size) for size in (room, 1, room, 1)))
    assert sizes == [room, 1, room, 1]
    with pytest.raises(PeerRefusedError, match="at most"):
        await send(first, second, b"x" * (MAX_MESSAGE_BYTES - 8))
    await send(first, second, b"")


async def test_peer_that_is_killed_fails_what_is_under_way_and_comes_back(pair: tuple[PeerNode, PeerNode]) -> None:
    first, second = pair
    got = asyncio.Event()

    async def wait(_sender: str, _payload: bytes) -> None:
        got.set()
        await asyncio.Event().wait()

    second.network.on(TOPIC, wait)
    waiting = asyncio.ensure_future(send(first, second, b""))
    await got.wait()
    await second.close()
    with pytest.raises(PeerUnavailableError):
        await asyncio.wait_for(waiting, 3)
    again = PeerNode(2)
    again.port = second.port
    seen: list[bytes] = []

    async def take(_sender: str, payload: bytes) -> None:
        seen.append(payload)

    again.network.on(TOPIC, take)
    await again.listen()
    try:
        await again.connect([first.address])
        async with asyncio.timeout(15):
            while not seen:
                with contextlib.suppress(PeerError):
                    await send(first, second, b"back")
                await asyncio.sleep(0.05)
    finally:
        await again.close()


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


async def test_stop_while_sending_leaves_nothing(pair: tuple[PeerNode, PeerNode]) -> None:
    first, second = pair

    async def wait(_sender: str, _payload: bytes) -> None:
        await asyncio.Event().wait()

    second.network.on(TOPIC, wait)
    waiting = [asyncio.ensure_future(send(first, second, b"x" * 200_000)) for _ in range(300)]
    await asyncio.sleep(0.1)
    async with asyncio.timeout(3):
        await first.network.stop()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        await second.network.stop()
    assert {type(result) for result in results} == {PeerUnavailableError}
    mine = asyncio.current_task()
    names = [task.get_name() for task in asyncio.all_tasks() if task is not mine]
    assert not [name for name in names if name.startswith("peer ")]
    await until(lambda: not [t for t in asyncio.all_tasks() if t.get_name().startswith("stream of")])
    gc.collect()


async def test_new_certificate_ends_the_stream_after_its_receipts(pair: tuple[PeerNode, PeerNode]) -> None:
    first, second = pair
    hold = asyncio.Event()
    got: list[bytes] = []

    async def take(_sender: str, payload: bytes) -> None:
        got.append(payload)
        await hold.wait()

    second.network.on(TOPIC, take)
    under_way = asyncio.ensure_future(send(first, second, b"before"))
    await until(lambda: got == [b"before"])
    leaf = first.credentials._leaf
    first.credentials._leaf = type(leaf)(leaf.key_pem, leaf.certificate_pem, leaf.renew_at)
    [link] = first.network._links.values()
    renewing = asyncio.ensure_future(link._stub())
    await asyncio.sleep(0.05)
    after = asyncio.ensure_future(send(first, second, b"after"))
    hold.set()
    await asyncio.gather(under_way, renewing, after)
    assert got == [b"before", b"after"]


@dataclass
class _OddServer(PeerServicer):
    """Answers hellos, and streams as the test says."""

    answer: Callable[[Any, Any], Awaitable[None]]
    frames: list[Frame] = field(default_factory=list)

    async def Hello(self, request: Any, context: Any) -> HelloReply:
        return HelloReply()

    async def Stream(self, frames: Any, context: Any) -> None:  # type: ignore[override]
        await self.answer(self, context)


@contextlib.asynccontextmanager
async def odd_peer(answer: Callable[[Any, Any], Awaitable[None]]) -> AsyncIterator[tuple[PeerNode, PeerNode]]:
    first, odd = PeerNode(1), PeerNode(2)
    odd.credentials.trust([first.identity.public_key])
    server = grpc.aio.server()
    add_PeerServicer_to_server(_OddServer(answer), server)
    odd.port = server.add_secure_port("127.0.0.1:0", odd.credentials.server())
    await server.start()
    try:
        await first.connect([odd.address])
        await until(lambda: first.network.describe()[0].connected)
        yield first, odd
    finally:
        await first.close()
        await server.stop(0)


@pytest.mark.parametrize(
    "receipts",
    [
        Receipts(),
        Receipts(through=2),
        Receipts(through=1, refused=[Refusal(number=2, code=3)]),
        Receipts(through=1, refused=[Refusal(number=1, code=3), Refusal(number=1, code=3)]),
        Receipts(through=2**64 - 1),
    ],
)
async def test_receipts_for_what_was_not_sent_end_the_stream(receipts: Receipts) -> None:
    async def answer(_server: Any, context: Any) -> None:
        await context.read()
        await context.write(receipts)
        await asyncio.sleep(5)

    async with odd_peer(answer) as (first, odd):
        with pytest.raises(PeerUnavailableError, match="receipts without sense"):
            await asyncio.wait_for(send(first, odd, b""), 2)


async def test_lost_receipt_is_a_timeout_and_the_next_stream_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "_SILENT_SECONDS", 0.2)
    streams = 0

    async def answer(_server: Any, context: Any) -> None:
        nonlocal streams
        streams += 1
        await context.read()
        if streams == 1:
            await asyncio.sleep(60)
        await context.write(Receipts(through=1))
        await context.read()

    async with odd_peer(answer) as (first, odd):
        with pytest.raises(DeliveryTimeoutError):
            await asyncio.wait_for(send(first, odd, b""), 2)
        await asyncio.wait_for(send(first, odd, b""), 2)
    assert streams == 2


async def test_peer_that_does_not_read_costs_no_more_than_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "_SILENT_SECONDS", 0.3)

    async def answer(_server: Any, _context: Any) -> None:
        await asyncio.sleep(60)

    async with odd_peer(answer) as (first, odd):
        sends = [send(first, odd, b"x" * 500_000) for _ in range(40)]
        results = await asyncio.wait_for(asyncio.gather(*sends, return_exceptions=True), 5)
        # After five streams without an answer the breaker fails the rest at once.
        assert {type(result) for result in results} <= {DeliveryTimeoutError, PeerUnavailableError}


async def test_stream_that_ends_early_fails_what_has_no_receipt() -> None:
    async def answer(_server: Any, context: Any) -> None:
        await context.read()
        await context.write(Receipts(through=1))

    async with odd_peer(answer) as (first, odd):
        one, two = (asyncio.ensure_future(send(first, odd, b"")) for _ in range(2))
        await one
        with pytest.raises(PeerUnavailableError, match="ended the stream"):
            await two
