"""The keeper: keeps one service alive. What happens to a service that fails:

- a critical one that fails before it ever ran is dead at once: nothing has worked yet, and the reason (a port taken)
  rarely goes away by itself;
- otherwise it is started again after a back-off; a critical one has a budget of restarts within a window of time and
  is dead when that is spent, an optional one is tried for ever, at the longest wait.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

import structlog

from noderr.core.errors import CriticalServiceError, ServiceEndedError
from noderr.core.service import Service
from noderr.core.status import ServiceState, StatusBoard
from noderr.utils import Backoff, Clock

_log = structlog.get_logger("noderr.core.keeper")
_BACKOFF = Backoff(first_seconds=0.5, limit_seconds=30)


@dataclass(frozen=True)
class RestartPolicy:
    """How often a failed service is started again: a critical one `budget` times in any `window_seconds`.

    `clean_up_seconds` is what its `stop` may take after a failure.
    """

    backoff: Backoff = _BACKOFF
    budget: int = 5
    window_seconds: float = 300.0
    clean_up_seconds: float = 5.0


class Keeper:
    """One service and its lives."""

    def __init__(
        self,
        service: Service,
        board: StatusBoard,
        policy: RestartPolicy,
        clock: Clock,
    ) -> None:
        self.service = service
        self._board = board
        self._policy = policy
        self._clock = clock
        self._stopping = False
        self._has_run = False
        self._restarts: deque[float] = deque()

    async def keep(self) -> None:
        """Return when the service ended after `stop`; raise `CriticalServiceError` when it is critical and dead."""
        try:
            while True:
                failure = await self._live()
                if self._stopping:
                    break
                await self._clean_up()
                await self._clock.sleep(self._next_delay_seconds(failure))
        except asyncio.CancelledError:
            if not self._stopping:
                await self._clean_up()
            raise
        self._board.change(self.service.name, ServiceState.STOPPED)

    async def stop(self) -> None:
        """Ask the running service to finish. Raises nothing: a `stop` that fails is logged."""
        self._stopping = True
        self._board.change(self.service.name, ServiceState.STOPPING)
        try:
            await self.service.stop()
        except Exception as error:
            _log.error("service_stop_failed", service=self.service.name, exc_info=error)

    @property
    def running(self) -> bool:
        return self._board.status(self.service.name).state is ServiceState.RUNNING

    async def _live(self) -> Exception:
        """One life from start to end; returns why it ended."""
        name = self.service.name
        try:
            await self._board.when_running(self.service.requires, waiting=name)
            self._board.change(name, ServiceState.STARTING, self._board.status(name).problem)
            await self.service.start()
            self._has_run = True
            self._board.change(name, ServiceState.RUNNING)
            _log.info("service_running", service=name)
            await self.service.run()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            failure: Exception = ServiceEndedError(f"service {name} cancelled itself")
        except Exception as error:  # Whatever it is, it is the service's failure: it is logged, counted and shown.
            failure = error
        else:
            failure = ServiceEndedError(f"service {name} returned early: run() may only return after stop()")
            if self._stopping:
                return failure
        _log.error("service_failed", service=name, critical=self.service.critical, exc_info=failure)
        return failure

    def _next_delay_seconds(self, failure: Exception) -> float:
        now = self._clock.monotonic()
        while self._restarts and self._restarts[0] <= now - self._policy.window_seconds:
            self._restarts.popleft()
        spent = not self._has_run or len(self._restarts) >= self._policy.budget
        if self.service.critical and spent:
            self._board.change(self.service.name, ServiceState.FAILED, str(failure))
            raise CriticalServiceError(f"critical service {self.service.name} is dead: {failure}") from failure
        delay_seconds = self._policy.backoff.delay_seconds(len(self._restarts))
        self._restarts.append(now)
        self._board.change(self.service.name, ServiceState.RESTARTING, str(failure) or type(failure).__name__)
        _log.warning("service_restarting", service=self.service.name, delay_seconds=delay_seconds)
        return delay_seconds

    async def _clean_up(self) -> None:
        try:
            async with asyncio.timeout(self._policy.clean_up_seconds):
                await self.service.stop()
        except Exception as error:
            _log.error("service_clean_up_failed", service=self.service.name, exc_info=error)
