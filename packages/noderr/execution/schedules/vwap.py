"""Volume-weighted: parts as a curve of the market's usual volume has them, and never more than a share of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate

from noderr.execution.errors import ScheduleError
from noderr.execution.schedules.parent import Parent
from noderr.execution.schedules.plan import PlannedSchedule, plan
from noderr.execution.schedules.share import check_share
from noderr.market_data.events import Trade

BUCKET_NS = 60_000_000_000
PARTICIPATION = Decimal("0.1")


class Vwap(PlannedSchedule):
    """`volumes` is what the market usually trades in each bucket from the start on, in base.

    At every moment fills and what works are at most `participation` of what was traded since the start and of what the
    current bucket should bring: its usual volume, less where less than usual was traded so far. Who hands in no trades
    gets no further than the first bucket. The volume includes our own trades, as venues print them.
    """

    def __init__(
        self,
        parent: Parent,
        start_ns: int,
        volumes: Sequence[Decimal],
        *,
        bucket_ns: int = BUCKET_NS,
        participation: Decimal = PARTICIPATION,
    ) -> None:
        """Raises `ScheduleError`."""
        if not all(volume.is_finite() and volume >= 0 for volume in volumes) or not any(volumes):
            raise ScheduleError("volumes must be finite, none negative, and not all 0")
        if bucket_ns < 1:
            raise ScheduleError(f"bucket_ns is {bucket_ns}: it must be at least 1")
        self.participation = check_share("participation", participation)
        self._volumes = [Fraction(volume) for volume in volumes]
        total = sum(self._volumes)
        left = [1 - done / total for done in accumulate(self._volumes, initial=Fraction(0))]
        times = [start_ns + bucket_ns * number for number in range(len(volumes) + 1)]
        super().__init__(parent, plan(parent, times, left))
        self._traded = Fraction(0)
        self._first: int | None = None

    def _observe(self, trade: Trade) -> None:
        self._traded += Fraction(trade.quantity)

    def _lots_for(self, number: int) -> int:
        if self._first is None:
            self._first = number
        usual_before = sum(self._volumes[self._first : number])
        allowed = self.participation * (self._traded + self._volumes[number] * self._pace(usual_before))
        used = Fraction(self.parent.order.quantity) - Fraction(self.open)
        return max(0, min(super()._lots_for(number), math.floor((allowed - used) / self._lot)))

    def _pace(self, usual: Fraction | int) -> Fraction:
        """What was traded so far as a share of what is usual by now, at most 1."""
        return min(Fraction(1), self._traded / usual) if usual else Fraction(1)

    @property
    def _lot(self) -> Fraction:
        return Fraction(self.parent.instrument.lot_size)
