"""When which round is looked at again."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable

from noderr.core.consensus.early_messages import RoundKey
from noderr.utils import Clock, event_or_time

_SECOND_NS = 1_000_000_000
_NEVER_NS = 1 << 63


class Timetable:
    """Calls `look` for each round when it is due. A look too early costs little: one that is due later needs no new
    one, so that most of what happens in a round changes nothing here.
    """

    def __init__(self, clock: Clock, look: Callable[[RoundKey, int], None]) -> None:
        """`look` gets the round's key and what time it is."""
        self._clock = clock
        self._look = look
        self._changed = asyncio.Event()
        self._looks: list[tuple[int, RoundKey]] = []
        self._looks_ns: dict[RoundKey, int] = {}

    def add(self, key: RoundKey, due_ns: int | None) -> None:
        """Look at this round by then; None is never."""
        if due_ns is None or due_ns >= self._looks_ns.get(key, _NEVER_NS):
            return
        self._looks_ns[key] = due_ns
        heapq.heappush(self._looks, (due_ns, key))
        if self._looks[0][1] == key:
            self._changed.set()

    def forget(self, key: RoundKey) -> None:
        """The round is kept no more."""
        self._looks_ns.pop(key, None)

    async def run(self) -> None:
        """Keep time until cancelled."""
        while True:
            now_ns = self._clock.now_ns()
            self._changed.clear()
            self._look_at_due(now_ns)
            seconds = (self._looks[0][0] - now_ns) / _SECOND_NS if self._looks else None
            await event_or_time(self._changed, seconds, self._clock)

    def _look_at_due(self, now_ns: int) -> None:
        due: list[RoundKey] = []
        while self._looks and self._looks[0][0] <= now_ns:
            due_ns, key = heapq.heappop(self._looks)
            if self._looks_ns.get(key) == due_ns:  # Or a later, nearer one took its place.
                del self._looks_ns[key]
                due.append(key)
        for key in due:
            self._look(key, now_ns)
