"""For tests: a node's spool and link, and the coordinator that it is told of."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from prometheus_client import CollectorRegistry

from noderr.telemetry import NodeMetrics
from noderr.telemetry.coordinator_client import CoordinatorClient
from noderr.telemetry.coordinator_link import CoordinatorLink
from noderr.telemetry.node_facts import NodeFacts, NodeLabel
from noderr.telemetry.recorder import TelemetryService
from noderr.telemetry.testing import (
    NODE_KEY,
    NOW_NS,
    LoopbackCoordinator,
    WatchedClock,
)
from noderr.types.wire.telemetry_pb2 import Record, ServiceChanged
from noderr.utils import seeded

SECOND_NS = 1_000_000_000


class Rig:
    """A node's spool and link, without the recorder's own samples; and the coordinator that it is told of."""

    def __init__(self, folder: Path, limit_bytes: int = 1 << 20, timeout_seconds: float = 5) -> None:
        self.clock = WatchedClock()
        self.coordinator = LoopbackCoordinator(self.clock)
        self.metrics = NodeMetrics(CollectorRegistry(), tier="oracle", version="1.2.3")
        self.telemetry = TelemetryService(folder, limit_bytes, self.metrics, self.clock, lambda: (True, ()))
        self.peers: list[list[str]] = []
        self.missing: tuple[str, ...] = ("package ml: absent",)
        self._timeout_seconds = timeout_seconds

    def open_client(self) -> CoordinatorClient:
        return CoordinatorClient(
            self.coordinator.url, NODE_KEY, self.coordinator.public_key, timeout_seconds=self._timeout_seconds
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[CoordinatorLink]:
        """The link of this block, its coordinator, and the spool; all end with it."""
        async with self.coordinator:
            await self.telemetry.start()
            link = self.link()
            await link.start()
            running = asyncio.create_task(link.run())
            try:
                yield link
            finally:
                await link.stop()
                await asyncio.wait_for(running, 5)
                await self.telemetry.stop()

    def link(self) -> CoordinatorLink:
        return CoordinatorLink(
            self.coordinator.url,
            self.open_client,
            self.telemetry,
            NodeLabel("oracle", "1.2.3", NOW_NS - SECOND_NS, "node:50052"),
            lambda: NodeFacts(True, False, self.missing, 3, 4, 90_000_000),
            on_peers=lambda named: self.peers.append([peer.address for peer in named]),
            metrics=self.metrics,
            clock=self.clock,
            randomness=seeded(1, "coordinator"),
        )

    async def record(self, *names: str) -> None:
        """Records as the recorder writes them."""
        await self.telemetry.spool.append_all(
            [Record(at_unix_ns=self.clock.now_ns(), service_changed=ServiceChanged(service=name)) for name in names]
        )
        await self.telemetry.refresh()
        self.telemetry.written.set()

    def arrived(self, *names: str) -> bool:
        return self.coordinator.names() == list(names) and self.telemetry.state.records == 0

    def counted(self, kind: str, outcome: str) -> float:
        return self.sample("noderr_coordinator_requests_total", kind=kind, outcome=outcome)

    def sample(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0
