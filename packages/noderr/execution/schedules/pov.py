"""Percentage of volume: a share of what the market trades, as it trades."""

from __future__ import annotations

import math
from collections import deque
from decimal import Decimal
from fractions import Fraction

from noderr.execution.errors import ScheduleError
from noderr.execution.schedules.parent import Parent
from noderr.execution.schedules.schedule import Schedule, Slice
from noderr.execution.schedules.share import check_share
from noderr.market_data.events import Trade

WINDOW_NS = 5_000_000_000
DECIDE_NS = 100_000_000


class Pov(Schedule):
    """Fills and what works are at most `target` of what was traded since the start; what is handed out within a window
    is at most `maximum` of what was traded in it, so that a shortfall is not made up for in one blow.

    The volume includes our own trades, as venues print them. Each slice works for one window. One decision per
    `decide_ns`, however many trades there are.
    """

    def __init__(
        self,
        parent: Parent,
        start_ns: int,
        end_ns: int,
        *,
        target: Decimal,
        maximum: Decimal,
        window_ns: int = WINDOW_NS,
        decide_ns: int = DECIDE_NS,
    ) -> None:
        """Raises `ScheduleError`."""
        super().__init__(parent, start_ns, end_ns)
        self.target = check_share("target", target)
        self.maximum = check_share("maximum", maximum)
        if target > maximum:
            raise ScheduleError(f"target is {target} and maximum {maximum}: the maximum cannot be less")
        if window_ns < 1 or decide_ns < 0:
            raise ScheduleError(f"window_ns is {window_ns}, decide_ns {decide_ns}: at least 1 and 0 are needed")
        self._window_ns = window_ns
        self._decide_ns = decide_ns
        self._decided_ns = start_ns - decide_ns
        self._new = False
        """Whether anything happened since the last decision that could allow for more."""
        self._traded = Fraction(0)
        self._recent_trades = _Window(window_ns)
        self._recent_slices = _Window(window_ns)

    def _observe(self, trade: Trade) -> None:
        self._new = True
        self._traded += Fraction(trade.quantity)
        self._recent_trades.add(max(self._now_ns, trade.received_ns), Fraction(trade.quantity))

    def on_over(self, number: int, now_ns: int) -> list[Slice]:
        self._new = True
        return super().on_over(number, now_ns)

    def _due(self, now_ns: int) -> tuple[int, int] | None:
        if not self._new or now_ns < self._decided_ns + self._decide_ns:
            return None
        self._decided_ns, self._new = now_ns, False
        used = Fraction(self.parent.order.quantity) - Fraction(self.open)
        allowed = min(
            self.target * self._traded - used,
            self.maximum * self._recent_trades.total(now_ns) - self._recent_slices.total(now_ns),
        )
        lots = self._sendable(max(0, math.floor(allowed / Fraction(self.parent.instrument.lot_size))))
        if not lots:
            return None
        self._recent_slices.add(now_ns, Fraction(self.parent.quantity_of(lots)))
        return lots, min(now_ns + self._window_ns, self.end_ns)

    def _next_time_ns(self) -> int:
        return min(self._decided_ns + self._decide_ns, self.end_ns) if self._new else self.end_ns


class _Window:
    """What was added within the last `length_ns`."""

    def __init__(self, length_ns: int) -> None:
        self._length_ns = length_ns
        self._added: deque[tuple[int, Fraction]] = deque()
        self._total = Fraction(0)

    def add(self, at_ns: int, quantity: Fraction) -> None:
        self._added.append((at_ns, quantity))
        self._total += quantity

    def total(self, now_ns: int) -> Fraction:
        while self._added and self._added[0][0] <= now_ns - self._length_ns:
            self._total -= self._added.popleft()[1]
        return self._total
