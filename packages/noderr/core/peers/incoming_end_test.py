"""How a stream ends whose peer goes away, reads nothing, or cannot be written to: soon, and with nothing left of it."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import grpc
import pytest
from structlog.testing import capture_logs

from noderr.core.peers import incoming
from noderr.core.peers.caller import PeerLimits
from noderr.core.peers.errors import MessageRefusedError
from noderr.core.peers.incoming import IncomingStreams
from noderr.core.peers.testing import PeerNode, until
from noderr.core.peers.testing_streams import TOPIC, raw_stream, send
from noderr.types.wire.node_pb2 import Envelope, Frame, Receipts
from noderr.utils import SystemClock

os.environ.setdefault("GRPC_VERBOSITY", "NONE")

PROMPT = Frame(messages=[Envelope(topic=TOPIC)], prompt=True)


def streams_of(node: PeerNode, peer: PeerNode) -> set[asyncio.Task[None]]:
    """Those that are open, of this peer."""
    return set(node.network._incoming._callers[peer.identity.public_key].streams)


async def test_a_handler_whose_peer_goes_away_is_ended_with_the_stream(pair: tuple[PeerNode, PeerNode]) -> None:
    first, second = pair
    entered, left = asyncio.Event(), asyncio.Event()

    async def wait(_sender: str, _payload: bytes) -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    second.network.on(TOPIC, wait)
    async with raw_stream(first, second) as stream:
        await stream.write(PROMPT)
        await asyncio.wait_for(entered.wait(), 5)
    await asyncio.wait_for(left.wait(), 5)
    await until(lambda: not streams_of(second, first))


async def test_a_peer_that_reads_nothing_is_heard_no_further_and_its_stream_still_ends(
    pair: tuple[PeerNode, PeerNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming, "_LAST_SECONDS", 0.1)
    first, second = pair
    unknown = Frame(messages=[Envelope(topic="x" * 64)] * 64)
    peer = first.identity.node_id

    def refused() -> float:
        return second.sample("noderr_peer_received_total", peer=peer, outcome="refused")

    async with raw_stream(first, second) as stream:

        async def shout() -> None:
            for _ in range(4000):
                await stream.write(unknown)

        shouting, heard, still = asyncio.create_task(shout()), -1.0, 0
        while still < 8:  # A machine that is busy with other things may stand still for a moment.
            await asyncio.sleep(0.1)
            still = still + 1 if refused() == heard > 0 else 0
            heard = refused()
        assert not shouting.done()
        [heard_stream] = streams_of(second, first)
        with capture_logs() as logs:
            second.network.update([])
            await asyncio.wait_for(asyncio.wait({heard_stream}), 5)
        shouting.cancel()  # It has not read that the stream has ended either.
        await asyncio.wait({shouting})
    assert "peer_receipts_unread" in [line["event"] for line in logs]


class Broken:
    """A call whose first write fails; more frames are there than may be taken after that."""

    def __init__(self) -> None:
        self.read_frames = 0

    async def read(self) -> Frame | Any:
        await asyncio.sleep(0)
        self.read_frames += 1
        return PROMPT if self.read_frames < 1000 else grpc.aio.EOF

    async def write(self, _receipts: Receipts) -> None:
        raise ConnectionError("the transport is closed")


async def test_a_write_that_fails_between_two_frames_ends_the_stream() -> None:
    node, call = PeerNode(1), Broken()
    streams = IncomingStreams(PeerLimits(), node.metrics, SystemClock())
    handled = 0

    async def take(_sender: str, _payload: bytes) -> None:
        nonlocal handled
        handled += 1

    streams.handlers[TOPIC] = take
    with pytest.raises(ConnectionError, match="the transport is closed"):
        await asyncio.wait_for(streams.serve(node.identity.public_key, call), 5)  # type: ignore[arg-type]
    assert 1 <= handled == call.read_frames < 10


@pytest.mark.parametrize("text", ["\ud800 of no pair", "l" * 100_000])
async def test_a_refusal_that_cannot_be_told_as_it_is_hurts_nothing(pair: tuple[PeerNode, PeerNode], text: str) -> None:
    first, second = pair

    async def refuse(_sender: str, payload: bytes) -> None:
        if payload:
            raise MessageRefusedError(text)

    second.network.on(TOPIC, refuse)
    refused, behind = await asyncio.gather(send(first, second, b"x"), send(first, second, b""), return_exceptions=True)
    assert getattr(refused, "code", None) == "INVALID_ARGUMENT"
    assert len(str(refused)) < 700
    assert behind is None
