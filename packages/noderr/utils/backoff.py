"""Bounded exponential back-off: how long to wait before the n-th try."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from noderr.utils.errors import BackoffError


@dataclass(frozen=True)
class Backoff:
    """Waits of `first_seconds`, then `factor` times as long each time, never above `limit_seconds`.

    Raises `BackoffError` when made with figures that do not describe such a row of waits.
    """

    first_seconds: float
    limit_seconds: float
    factor: float = 2.0

    def __post_init__(self) -> None:
        self._check("first_seconds", self.first_seconds, 0.0)
        self._check("limit_seconds", self.limit_seconds, self.first_seconds)
        self._check("factor", self.factor, 1.0)

    def delay_seconds(self, attempt: int) -> float:
        """How long to wait before try `attempt`; the first is 0. Raises `BackoffError` for a negative one."""
        if attempt < 0:
            raise BackoffError(f"attempt = {attempt}: the first attempt is number 0")
        try:
            return min(self.limit_seconds, self.first_seconds * self.factor**attempt)
        except OverflowError:
            # A node may fail for years; the power no longer fits a float, and the limit holds.
            return self.limit_seconds if self.first_seconds else 0.0

    def jittered_seconds(self, attempt: int, randomness: random.Random) -> float:
        """As `delay_seconds`, spread evenly over its upper half, so that many waiters do not come back at once."""
        return self.delay_seconds(attempt) * randomness.uniform(0.5, 1.0)

    def _check(self, field: str, value: float, low: float) -> None:
        if not math.isfinite(value) or value < low:
            raise BackoffError(f"{field} = {value!r}: must be a finite number of at least {low}")
