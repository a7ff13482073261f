"""What the tests of the streams share: messages to a peer, streams that say what the test likes, peers that do."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc

from noderr.core.peers.credentials import peer_channel
from noderr.core.peers.testing import PeerNode, until
from noderr.types.wire.node_pb2 import Frame, HelloReply
from noderr.types.wire.node_pb2_grpc import PeerServicer, PeerStub, add_PeerServicer_to_server

os.environ.setdefault("GRPC_VERBOSITY", "NONE")

TOPIC = "tick"


def send(sender: PeerNode, receiver: PeerNode, payload: bytes, topic: str = TOPIC) -> Awaitable[None]:
    return sender.network.send(receiver.identity.node_id, topic, payload)


@contextlib.asynccontextmanager
async def raw_stream(sender: PeerNode, receiver: PeerNode) -> AsyncIterator[Any]:
    """A stream on which a test may say what it likes."""
    address = f"127.0.0.1:{receiver.port}"
    async with peer_channel(sender.credentials, receiver.identity.public_key, address) as channel:
        yield PeerStub(channel).Stream()


@dataclass
class OddServer(PeerServicer):
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
    add_PeerServicer_to_server(OddServer(answer), server)
    odd.port = server.add_secure_port("127.0.0.1:0", odd.credentials.server())
    await server.start()
    try:
        await first.connect([odd.address])
        await until(lambda: first.network.describe()[0].connected)
        yield first, odd
    finally:
        await first.close()
        await server.stop(0)
