"""Time-weighted: equal parts at equal intervals."""

from __future__ import annotations

from fractions import Fraction

from noderr.execution.errors import ScheduleError
from noderr.execution.schedules.parent import Parent
from noderr.execution.schedules.plan import PlannedSchedule, plan

SLICES = 10


def twap(parent: Parent, start_ns: int, end_ns: int, slices: int = SLICES) -> PlannedSchedule:
    """Each part within a lot of the n-th of the order. Raises `ScheduleError`."""
    return PlannedSchedule(
        parent,
        plan(parent, equal_times(start_ns, end_ns, slices), [Fraction(slices - n, slices) for n in range(slices + 1)]),
    )


def equal_times(start_ns: int, end_ns: int, slices: int) -> list[int]:
    """`slices` + 1 times, the first and the last as given. Raises `ScheduleError`."""
    if slices < 1 or end_ns - start_ns < slices:
        raise ScheduleError(f"slices is {slices} in {end_ns - start_ns} ns: it must be from 1 to one a nanosecond")
    return [start_ns + (end_ns - start_ns) * number // slices for number in range(slices + 1)]
