"""Simulated time: what happens happens in the order of its time, and of its making where two times are one."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Coroutine

_SECOND_NS = 1_000_000_000


class Timeline:
    """A `Clock` that stands still while anything happens. Whatever is awaited ends before time goes on."""

    def __init__(self, now_ns: int) -> None:
        self._now_ns = now_ns
        self._begin_ns = now_ns
        self._count = 0
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._runner = asyncio.Runner()

    def now_ns(self) -> int:
        return self._now_ns

    def monotonic(self) -> float:
        return (self._now_ns - self._begin_ns) / _SECOND_NS

    async def sleep(self, seconds: float) -> None:
        """Only to lose a race: a time limit of this clock is never reached within one moment."""
        if seconds <= 0:
            await asyncio.sleep(0)
        else:
            await asyncio.Event().wait()

    def at(self, at_ns: int, do: Callable[[], None]) -> None:
        """Do it then, or now if that is over."""
        self._count += 1
        heapq.heappush(self._events, (max(at_ns, self._now_ns), self._count, do))

    def await_[T](self, work: Coroutine[object, object, T]) -> T:
        """The result of what a node would await; the time is the same after it."""
        return self._runner.run(work)

    def run(self, until_ns: int) -> None:
        """Let everything happen that is due by then, and what follows from it."""
        while self._events and self._events[0][0] <= until_ns:
            self._now_ns, _, do = heapq.heappop(self._events)
            do()
        self._now_ns = max(self._now_ns, until_ns)

    def close(self) -> None:
        self._runner.close()
