"""Messages of rounds that others began a moment before: which may come, and where they wait until we open them too."""

from __future__ import annotations

from collections import deque

from noderr.core.consensus.actions import Payload
from noderr.types.consensus import Reason, RefusedMessage

type RoundKey = tuple[int, bytes]
"""Number and topic."""


def check_due(number: int, due: int) -> None:
    """Nothing, if round `number` may be begun while the clock says `due`: clocks differ by less than a slot.

    Raises `RefusedMessage`.
    """
    if number < due - 1:
        raise RefusedMessage(Reason.REPLAYED, f"round {number} is over, this is round {due}")
    if number > due + 1:
        raise RefusedMessage(Reason.FUTURE, f"round {number} is not due, this is round {due}")


class EarlyMessages:
    """Holds `limit_bytes` in all. Nobody has proven who signed them, so when there are more, those of the round that
    has waited longest give way.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._bytes = 0
        self._waiting: dict[RoundKey, deque[tuple[Payload, int]]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def keep(self, key: RoundKey, payload: Payload, size: int) -> None:
        """`size` is what it has on the wire, in bytes."""
        self._waiting.setdefault(key, deque()).append((payload, size))
        self._bytes += size
        while self._bytes > self._limit:
            oldest, waiting = next(iter(self._waiting.items()))
            _, freed = waiting.popleft()
            self._bytes -= freed
            if not waiting:
                del self._waiting[oldest]

    def take(self, key: RoundKey) -> list[Payload]:
        """Those of this round, in the order in which they came; they wait no more."""
        taken = self._waiting.pop(key, ())
        self._bytes -= sum(size for _, size in taken)
        return [payload for payload, _ in taken]
