"""The supervisor: runs all services of a node until it is told to stop or a critical one is dead, then drains them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import structlog

from noderr.core.keeper import Keeper, RestartPolicy
from noderr.core.service import Service
from noderr.core.start_order import start_waves
from noderr.core.status import StatusBoard
from noderr.utils import Clock, SystemClock

_log = structlog.get_logger("noderr.core.supervisor")

_CANCEL_SECONDS = 0.5
"""What a cancelled service gets to end; one that takes longer is left to the end of the process."""

type _Lives = Mapping[asyncio.Task[None], Keeper]


class Supervisor:
    """Enrols `services` on the board and runs them. `drain_seconds` is for all of them together.

    Raises `ServiceError` when what the services require of each other cannot be had.
    """

    def __init__(
        self,
        services: Sequence[Service],
        board: StatusBoard,
        *,
        drain_seconds: float,
        policy: RestartPolicy | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._drain_seconds = drain_seconds
        policy, clock = policy or RestartPolicy(), clock or SystemClock()
        self._waves = start_waves(services)
        self._keepers = [Keeper(service, board, policy, clock) for service in services]
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

    async def _drain(self, lives: _Lives) -> None:
        """Stop in the reverse of the starting order: what others require goes last.

        Those of one wave stop together: one that waits for its own open work does not cost the others their time. A
        wave that uses less of the time than its share leaves it to the next.
        """
        _log.info("draining", drain_seconds=self._drain_seconds)
        loop = asyncio.get_running_loop()
        end = loop.time() + self._drain_seconds
        late: set[asyncio.Task[None]] = set()
        for left, wave in zip(range(len(self._waves), 0, -1), reversed(self._waves), strict=True):
            members = {life: keeper for life, keeper in lives.items() if keeper.service in wave}
            late |= await self._stop_wave(members, max(0.0, end - loop.time()) / left)
        if late:
            services = sorted(life.get_name() for life in lives if life in late)
            _log.error("drain_incomplete", drain_seconds=self._drain_seconds, cancelled=services)
            for task in late:
                task.cancel()
            await asyncio.wait(late, timeout=_CANCEL_SECONDS)

    async def _stop_wave(self, members: _Lives, seconds: float) -> set[asyncio.Task[None]]:
        """Returns what did not end in time: lives, and calls of `stop`."""
        stops = []
        for life, keeper in members.items():
            if keeper.running:
                stops.append(asyncio.create_task(keeper.stop()))
            else:
                life.cancel()
        _, late = await asyncio.wait([*members, *stops], timeout=seconds)
        return late
