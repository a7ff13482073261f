"""The supervisor: runs all services of a node until it is told to stop or a critical one is dead, then drains them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from noderr.core.keeper import Keeper, RestartPolicy
from noderr.core.service import Service
from noderr.core.status import StatusBoard

_log = structlog.get_logger("noderr.core.supervisor")

_CANCEL_SECONDS = 0.5
"""What a cancelled service gets to end; one that takes longer is left to the end of the process."""


class Supervisor:
    """Enrols `services` on the board and runs them. `drain_seconds` is for all of them together."""

    def __init__(
        self,
        services: Sequence[Service],
        board: StatusBoard,
        *,
        drain_seconds: float,
        policy: RestartPolicy | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._drain_seconds = drain_seconds
        policy = policy or RestartPolicy()
        self._keepers = [Keeper(service, board, policy, clock, sleep) for service in services]
        for service in services:
            board.enrol(service)

    async def run(self, stop: asyncio.Event) -> None:
        """Return after `stop` was set and the services ended; raise `CriticalServiceError` when one is dead."""
        stopped = asyncio.create_task(stop.wait(), name="stop")
        lives = {asyncio.create_task(keeper.keep(), name=keeper.service.name): keeper for keeper in self._keepers}
        try:
            # Before the stop, a life only ends when its service is critical and dead.
            await asyncio.wait([stopped, *lives], return_when=asyncio.FIRST_COMPLETED)
            await self._drain(lives)
        finally:
            for task in (stopped, *lives):
                task.cancel()
        for life in lives:
            if life.done() and not life.cancelled() and (error := life.exception()):
                raise error

    async def _drain(self, lives: Mapping[asyncio.Task[None], Keeper]) -> None:
        """Tell all to stop at once: a service that waits for its own open work does not cost the others their time."""
        _log.info("draining", drain_seconds=self._drain_seconds)
        stops = []
        for life, keeper in lives.items():
            if keeper.running:
                stops.append(asyncio.create_task(keeper.stop()))
            else:
                life.cancel()
        _, late = await asyncio.wait([*lives, *stops], timeout=self._drain_seconds)
        if late:
            services = sorted(life.get_name() for life in lives if life in late)
            _log.error("drain_incomplete", drain_seconds=self._drain_seconds, cancelled=services)
            for task in late:
                task.cancel()
            await asyncio.wait(late, timeout=_CANCEL_SECONDS)
