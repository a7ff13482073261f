"""Iceberg: one small part shows at a time; when it is filled the next one shows."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction

from noderr.execution.errors import ScheduleError
from noderr.execution.schedules.parent import Parent
from noderr.execution.schedules.schedule import Schedule

VARIANCE = Decimal("0.2")
_STEPS = 1 << 32


class Iceberg(Schedule):
    """Each slice is `display` times a factor that is evenly drawn from 1 - `variance` to 1 + `variance`, never more.

    A slice stays until it is filled or the driver says that it is over. The same `generator` gives the same slices.
    """

    def __init__(
        self,
        parent: Parent,
        start_ns: int,
        end_ns: int,
        *,
        display: Decimal,
        variance: Decimal = VARIANCE,
        generator: random.Random,
    ) -> None:
        """`display` is in base. Raises `ScheduleError`, also where the smallest draw is less than may be sent."""
        super().__init__(parent, start_ns, end_ns)
        if not variance.is_finite() or not 0 <= variance < 1:
            raise ScheduleError(f"variance is {variance}: it must be at least 0 and less than 1")
        if not display.is_finite() or display <= 0:
            raise ScheduleError(f"display is {display}: it must be positive")
        self._display, self._variance = Fraction(display), Fraction(variance)
        self._most_lots = parent.lots_in(self._display * (1 + self._variance))
        if parent.lots_in(self._display * (1 - self._variance)) < parent.least_lots:
            raise ScheduleError(
                f"display is {display} with variance {variance}: its smallest slice must be at least "
                f"{parent.quantity_of(parent.least_lots)} {parent.instrument.base}"
            )
        self._generator = generator

    def _due(self, now_ns: int) -> tuple[int, int] | None:
        if self._working or self.unsendable == self.open:
            return None
        factor = 1 + self._variance * Fraction(self._generator.randrange(-_STEPS, _STEPS + 1), _STEPS)
        lots = self._leave_enough(self.parent.lots_in(self._display * factor))
        return lots, self.end_ns

    def _leave_enough(self, lots: int) -> int:
        """So many lots, or others that show no more than they may and leave nothing that is too small to be sent."""
        open_lots, least = self.parent.lots_in(self.open), self.parent.least_lots
        if open_lots - lots >= least:
            return lots
        if open_lots <= self._most_lots:
            return open_lots
        # Less now, so that the last is just large enough; where this cannot be, most of it.
        return self._sendable(open_lots - least) or self._most_lots

    def _next_time_ns(self) -> int:
        return self.start_ns if self._now_ns < self.start_ns else self.end_ns
