"""A share of a market's volume."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from noderr.execution.errors import ScheduleError


def check_share(name: str, share: Decimal) -> Fraction:
    """`share` if it is above 0 and at most 1. Raises `ScheduleError`."""
    if not share.is_finite() or not 0 < share <= 1:
        raise ScheduleError(f"{name} is {share}: it must be above 0 and at most 1")
    return Fraction(share)
