"""What goes out over a stream: frames, the window, receipts that come back, and how a stream ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
from typing import Any

import pytest

from noderr.core.peers import incoming
from noderr.core.peers import receipts as receipts_module
from noderr.core.peers.credentials import FRAME_MESSAGES, MAX_MESSAGE_BYTES
from noderr.core.peers.errors import PeerError, PeerRefusedError, PeerUnavailableError
from noderr.core.peers.testing import PeerNode, until
from noderr.core.peers.testing_streams import TOPIC, send
from noderr.types.wire.node_pb2 import Frame

os.environ.setdefault("GRPC_VERBOSITY", "NONE")


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


async def test_send_while_offers_are_owed_gets_its_receipt_at_once_with_theirs(
    pair: tuple[PeerNode, PeerNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts_module, "LATEST_SECONDS", 60)
    first, second = pair

    async def take(_sender: str, _payload: bytes) -> None: ...

    second.network.on(TOPIC, take)
    for _ in range(5):
        assert first.network.offer(second.identity.node_id, TOPIC, b"")
    await asyncio.sleep(0.05)
    await asyncio.wait_for(send(first, second, b""), 2)
    assert first.sample("noderr_peer_sent_total", peer=second.identity.node_id, outcome="delivered") == 6


async def test_full_window_of_offers_does_not_stall(
    pair: tuple[PeerNode, PeerNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts_module, "LATEST_SECONDS", 60)
    first, second = pair
    got: list[bytes] = []

    async def take(_sender: str, payload: bytes) -> None:
        got.append(payload)

    second.network.on(TOPIC, take)
    for _ in range(1000):
        assert first.network.offer(second.identity.node_id, TOPIC, b"")
    await until(lambda: len(got) == 1000, 5)
    # A link that ends waits for what it is owed, and that comes at once.
    [link] = first.network._links.values()
    assert link._stream is not None
    link._stream.end()
    peer = second.identity.node_id
    await until(lambda: first.sample("noderr_peer_sent_total", peer=peer, outcome="delivered") == 1000, 2)
