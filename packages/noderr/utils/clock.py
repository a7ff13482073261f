"""Time as a part that is handed in: the system's, or one that a test turns by hand."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import time
from typing import Protocol

from noderr.utils.errors import ClockError

_SECOND_NS = 1_000_000_000


class Clock(Protocol):
    """What time it is, how much has passed, and waiting for it."""

    def now_ns(self) -> int:
        """UTC as nanoseconds since the Unix epoch. May jump when the machine's clock is set."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of this clock's time; with none or less, after everybody else had a turn."""


class SystemClock:
    """The machine's own clock."""

    def now_ns(self) -> int:
        return time.time_ns()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ManualClock:
    """Stands still until `advance` is called; sleepers wake in the order of their times. For tests and simulations."""

    def __init__(self, now_ns: int = 0) -> None:
        self._start_ns = now_ns
        self._elapsed_ns = 0
        self._order = itertools.count()
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []

    def now_ns(self) -> int:
        return self._start_ns + self._elapsed_ns

    def monotonic(self) -> float:
        return self._elapsed_ns / _SECOND_NS

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Never at once: a sleep that rounds to nothing, in a loop, would keep `advance` from ending.
        sleeper = (self._elapsed_ns + max(1, round(seconds * _SECOND_NS)), next(self._order), future)
        heapq.heappush(self._sleepers, sleeper)
        try:
            await future
        except asyncio.CancelledError:
            # A deadline that is never reached must not stay in memory until its time comes.
            if sleeper in self._sleepers:
                self._sleepers.remove(sleeper)
                heapq.heapify(self._sleepers)
            raise

    async def advance(self, seconds: float) -> None:
        """Let `seconds` pass: each sleeper due wakes at its own time and runs until it waits again.

        A sleeper that goes back to sleep within that time wakes again. What a sleeper hands to a thread or a socket is
        not waited for. Raises `ClockError` for a negative or infinite time.
        """
        if not 0 <= seconds < math.inf:
            raise ClockError(f"seconds = {seconds!r}: a clock goes forward by a finite time; see set_back")
        target_ns = self._elapsed_ns + round(seconds * _SECOND_NS)
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= target_ns:
            self._elapsed_ns, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)
            await _settle()
        self._elapsed_ns = target_ns

    def set_back(self, seconds: float) -> None:
        """Set the wall clock back, as somebody who sets a machine's clock does; monotonic time goes on."""
        self._start_ns -= round(seconds * _SECOND_NS)


async def _settle() -> None:
    """Give every task that can run the chance to, several hops deep."""
    for _ in range(20):
        await asyncio.sleep(0)
