"""Nodes for the tests of this package: a real gRPC server and a peer network each, on loopback, in one process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import CollectorRegistry

from noderr.core.grpc_server import GrpcService
from noderr.core.identity import NodeIdentity
from noderr.core.peer_address import PeerAddress
from noderr.core.peers.caller import PeerLimits
from noderr.core.peers.credentials import NodeCredentials
from noderr.core.peers.peer_network import PeerNetwork
from noderr.core.status import StatusBoard
from noderr.core.vitals import Vitals
from noderr.telemetry import NodeMetrics
from noderr.types.wire.node_pb2 import NodeStatus
from noderr.utils import Clock, SystemClock, seeded


def identity(seed: int) -> NodeIdentity:
    """The node whose private key is 32 times the byte `seed`."""
    return NodeIdentity.of(Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


class PeerNode:
    """One node. Its peers are given when it starts, because ports are not known before."""

    def __init__(
        self, seed: int, tier: str = "oracle", clock: Clock | None = None, limits: PeerLimits | None = None
    ) -> None:
        self.clock = clock or SystemClock()
        self.identity = identity(seed)
        self.tier = tier
        self._limits = limits
        self.metrics = NodeMetrics(CollectorRegistry(), tier=tier, version="1.2.3")
        self.credentials = NodeCredentials(self.identity, self.clock)
        self.network = self._network(())
        self.port = 0
        self._server: GrpcService | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def address(self) -> PeerAddress:
        return PeerAddress(self.identity.public_key, "127.0.0.1", self.port)

    async def listen(self) -> None:
        board = StatusBoard()
        vitals = Vitals(board, loop_turning=lambda: True)
        self._server = GrpcService(
            board,
            vitals,
            self.credentials,
            [self.network.register],
            host="127.0.0.1",
            port=self.port,
            drain_seconds=0,
        )
        await self._server.start()
        self.port = self._server.bound_port
        self._tasks.append(asyncio.create_task(self._server.run()))

    async def connect(self, peers: Sequence[PeerAddress]) -> None:
        """Trust these peers and keep links to them."""
        self.network.update(peers)
        await self.network.start()
        self._tasks.append(asyncio.create_task(self.network.run()))

    async def close(self) -> None:
        await self.network.stop()
        if self._server is not None:
            await self._server.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def sample(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    def _network(self, own: Sequence[PeerAddress]) -> PeerNetwork:
        def status() -> NodeStatus:
            return NodeStatus(tier=self.tier, version="1.2.3", ready=True)

        return PeerNetwork(
            own,
            self.credentials,
            status,
            self.metrics,
            clock=self.clock,
            randomness=seeded(self.identity.public_key[0], "peers"),
            limits=self._limits,
        )


@contextlib.asynccontextmanager
async def connected(*nodes: PeerNode) -> AsyncIterator[None]:
    """All nodes listen, and each has a link to every other."""
    try:
        for node in nodes:
            await node.listen()
        for node in nodes:
            await node.connect([other.address for other in nodes if other is not node])
        await until(lambda: all(all(one.connected for one in node.network.describe()) for node in nodes))
        yield
    finally:
        for node in nodes:
            await node.close()


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until the condition holds; a test fails when it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  (what is waited for has no events)
            await asyncio.sleep(0.01)
