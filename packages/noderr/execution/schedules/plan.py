"""A schedule by time: at each step a share of what is open, so that what was missed is spread over the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from noderr.execution.errors import ScheduleError
from noderr.execution.schedules.parent import Parent
from noderr.execution.schedules.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Step:
    """From `at_ns` until `until_ns` the order is worked down from `lots_before` to `lots_after`."""

    at_ns: int
    until_ns: int
    lots_before: int
    lots_after: int


def plan(parent: Parent, times_ns: Sequence[int], shares_left: Sequence[Fraction]) -> tuple[Step, ...]:
    """One step between each two times; `shares_left` are of the order, from 1 down to 0, one for each time.

    A slice below the instrument's minimum waits for the next; the last takes the remainder.
    """
    if len(times_ns) != len(shares_left) or len(times_ns) < 2 or shares_left[0] != 1 or shares_left[-1] != 0:
        raise ScheduleError("shares_left must go from 1 down to 0, with one for each of two or more times")
    steps: list[Step] = []
    before = parent.lots
    for number in range(1, len(times_ns)):
        # Rounded up: nothing is sent before its time.
        after = -(-parent.lots * shares_left[number].numerator // shares_left[number].denominator)
        if shares_left[number] > shares_left[number - 1]:
            raise ScheduleError(
                f"share {number} of shares_left rises from {shares_left[number - 1]}: an order only falls"
            )
        if 0 < after < parent.least_lots:
            after = min(parent.least_lots, before)  # Or the last slice would be too small to send.
        if before - after < parent.least_lots:
            after = before
        if times_ns[number] <= times_ns[number - 1]:
            raise ScheduleError(f"{times_ns[number]} follows {times_ns[number - 1]}: times must ascend")
        steps.append(Step(times_ns[number - 1], times_ns[number], before, after))
        before = after
    return tuple(steps)


class PlannedSchedule(Schedule):
    """Sends what each step is to send when the step begins, once.

    Where everything is filled that is the plan to the lot. What was missed, unfilled or paused away is spread over the
    steps that are left in the plan's own proportions, never caught up with at once.
    """

    def __init__(self, parent: Parent, steps: Sequence[Step]) -> None:
        super().__init__(parent, steps[0].at_ns, steps[-1].until_ns)
        self.steps = tuple(steps)
        self._next_step = 0
        """All before it had their turn."""

    def _due(self, now_ns: int) -> tuple[int, int] | None:
        current = self._step_at(now_ns)
        if current < self._next_step:
            return None
        self._next_step = current + 1
        lots = self._sendable(self._lots_for(current))
        return (lots, self.steps[current].until_ns) if lots else None

    def _lots_for(self, number: int) -> int:
        """What step `number` is to send of what is open."""
        step = self.steps[number]
        open_lots = self.parent.lots_in(self.open)
        if not step.lots_after:
            return open_lots
        return open_lots - -(-open_lots * step.lots_after // step.lots_before)

    def _step_at(self, now_ns: int) -> int:
        number = self._next_step
        while number < len(self.steps) and self.steps[number].at_ns <= now_ns:
            number += 1
        return number - 1

    def _has_no_more(self) -> bool:
        return self._next_step == len(self.steps)

    def _next_time_ns(self) -> int:
        return self.steps[self._next_step].at_ns if self._next_step < len(self.steps) else self.end_ns
