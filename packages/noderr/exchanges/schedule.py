"""What is to happen at a time: in the order of the times, and of one time in the order in which it was put there."""

from __future__ import annotations

import heapq
import itertools


class Schedule[T]:
    """Times in ns."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, T]] = []
        self._order = itertools.count()

    def put(self, at_ns: int, what: T) -> None:
        heapq.heappush(self._heap, (at_ns, next(self._order), what))

    def next_ns(self) -> int | None:
        """When the first is due."""
        return self._heap[0][0] if self._heap else None

    def pop(self, now_ns: int) -> tuple[int, T] | None:
        """The first that is due, with its time."""
        if not self._heap or self._heap[0][0] > now_ns:
            return None
        at_ns, _, what = heapq.heappop(self._heap)
        return at_ns, what
