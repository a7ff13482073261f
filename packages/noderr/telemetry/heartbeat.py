"""The event loop's heartbeat: a service that shows that the loop still turns, and how late it is."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence

from prometheus_client import Histogram

NAME = "event-loop"


class LoopHeartbeat:
    """Sleeps `interval_seconds` again and again and measures by how much it woke too late.

    It has the shape of a service of `noderr.core`, which this package may not import.
    """

    name = NAME
    critical = True
    requires: tuple[str, ...] = ()

    def __init__(
        self,
        lag_seconds: Histogram,
        *,
        interval_seconds: float = 0.5,
        limit_seconds: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lag_seconds = lag_seconds
        self._interval_seconds = interval_seconds
        self._limit_seconds = limit_seconds
        self._clock = clock
        self._last_beat = clock()
        self._stopping = asyncio.Event()

    def silent_seconds(self) -> float:
        """Time since the last beat."""
        return self._clock() - self._last_beat

    def turning(self) -> bool:
        """Whether the last beat is recent enough."""
        return self.silent_seconds() <= self._limit_seconds

    async def start(self) -> None:
        self._stopping.clear()
        self._last_beat = self._clock()

    async def run(self) -> None:
        while not await self._stopped_within_interval():
            now = self._clock()
            self._lag_seconds.observe(max(0.0, now - self._last_beat - self._interval_seconds))
            self._last_beat = now

    async def stop(self) -> None:
        self._stopping.set()

    def missing(self) -> Sequence[str]:
        return ()

    async def _stopped_within_interval(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._interval_seconds):
                return await self._stopping.wait()
        return False
