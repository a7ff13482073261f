"""What a node tells of itself besides its services' own metrics: changes, its start and its end, its disk."""

from __future__ import annotations

import contextlib
import os
import platform
from pathlib import Path

from noderr.core.data_claim import DataDirClaim
from noderr.core.errors import BusClosedError
from noderr.core.event_bus import EventBus
from noderr.core.event_bus_subscription import OverflowPolicy
from noderr.core.events import SERVICE_CHANGED, ServiceChanged
from noderr.core.process import ProcessParts
from noderr.core.status import ServiceState, ServiceStatus
from noderr.telemetry import NodeMetrics
from noderr.telemetry.recorder import TelemetryService


def tell_changes(parts: ProcessParts, bus: EventBus, telemetry: TelemetryService) -> None:
    """Status changes go over the bus, to telemetry and to whoever else wants to know."""

    def publish(status: ServiceStatus) -> None:
        # The bus is among the last to stop; who changes after it tells the log only.
        with contextlib.suppress(BusClosedError):
            bus.publish_nowait(
                SERVICE_CHANGED, ServiceChanged(status.name, status.state.value, status.problem, status.restarts)
            )

    async def record(event: ServiceChanged) -> None:
        telemetry.service_changed(event.service, event.state, event.problem, event.restarts)

    bus.handle(SERVICE_CHANGED, "telemetry", record, policy=OverflowPolicy.DROP_OLDEST, limit=256)
    parts.board.subscribe(publish)


def tell_start_and_stop(
    parts: ProcessParts, telemetry: TelemetryService, *, tier: str, version: str, claim: DataDirClaim
) -> None:
    """The node's start and the beginning of its end, for the coordinator's records."""
    telemetry.node_event(
        "node_started",
        tier=tier,
        version=version,
        python=platform.python_version(),
        after_unclean_exit="yes" if claim.after_unclean_exit else "no",
    )
    told = False

    def tell(status: ServiceStatus) -> None:
        nonlocal told
        # Services stop only with the node, and only a dead critical one is ever FAILED.
        if status.state is ServiceState.STOPPING and not told:
            told = True
            dead = [one.name for one in parts.board.statuses() if one.state is ServiceState.FAILED]
            telemetry.node_event("node_stopping", because=f"{', '.join(dead)} is dead" if dead else "it was told to")

    parts.board.subscribe(tell)


def watch_disk(metrics: NodeMetrics, data_dir: Path) -> None:
    """The metrics of the disk that holds the data directory, asked for whenever they are read."""

    def free() -> float:
        found = os.statvfs(data_dir)
        return float(found.f_bavail * found.f_frsize)

    def size() -> float:
        found = os.statvfs(data_dir)
        return float(found.f_blocks * found.f_frsize)

    metrics.data_free.set_function(free)
    metrics.data_size.set_function(size)
