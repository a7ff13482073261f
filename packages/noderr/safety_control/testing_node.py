"""For tests: a guardian's node in one process, with safety control, on a clock that is turned by hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
from starlette.routing import Route

from noderr.core.event_bus import EventBus
from noderr.core.http_api import http_api
from noderr.core.parts import NodeContext
from noderr.core.peers.testing import PeerNode
from noderr.core.settings import NodeSettings
from noderr.core.settings_loader import load_settings, tier_defaults
from noderr.core.testing import small_guardian
from noderr.safety_control.parts import safety_parts
from noderr.safety_control.service import SafetyService
from noderr.safety_control.standing import Mode
from noderr.safety_control.testing import GUARDIANS, clock
from noderr.utils import ManualClock, seeded


class Node:
    """A guardian's context with the service, on a clock that is turned by hand."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.clock: ManualClock = clock()
        manifest, peer = small_guardian(), PeerNode(1, "guardian")
        self.context = NodeContext(
            manifest,
            "1.2.3",
            load_settings(
                {f"NODEOS_{name.upper()}": value for name, value in environ.items()},
                NodeSettings,
                tier_defaults(manifest),
            ),
            folder,
            peer.identity,
            GUARDIANS[0],
            peer.metrics,
            clock=self.clock,
            randomness=lambda purpose: seeded(1, purpose),
            bus=EventBus(peer.metrics, self.clock),
            peers=peer.network,
        )
        self.service = SafetyService(self.context)
        self.http = self.client(safety_parts(self.service).routes)

    def client(self, routes: Sequence[Route]) -> httpx.AsyncClient:
        """Of an API with these routes."""
        app = http_api(self.context.metrics, {}, routes)
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://node")

    def mode(self) -> str:
        """What the metrics say."""
        [found] = [
            mode.value
            for mode in Mode
            if self.context.metrics.registry.get_sample_value("noderr_safety_mode", {"mode": mode.value})
        ]
        return found

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.service.start()
        task = asyncio.create_task(self.service.run())
        try:
            yield
        finally:
            await self.service.stop()
            await task
