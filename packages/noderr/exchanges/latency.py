"""How long words travel between us and a simulated venue, in ns."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Protocol

from noderr.types.trading.checks import check_integer

_MINUTE_NS = 60_000_000_000


class LatencyModel(Protocol):
    """Each call is one message's way."""

    def order_ns(self) -> int:
        """From us to the venue, of an order or a question."""

    def cancel_ns(self) -> int:
        """From us to the venue, of a cancel: one that is faster than its order finds none."""

    def report_ns(self) -> int:
        """From the venue to us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantLatency:
    """Always the same."""

    order: int = 0
    cancel: int = 0
    report: int = 0

    def __post_init__(self) -> None:
        for field in ("order", "cancel", "report"):
            check_integer(self, field, getattr(self, field), 0, _MINUTE_NS)

    def order_ns(self) -> int:
        return self.order

    def cancel_ns(self) -> int:
        return self.cancel

    def report_ns(self) -> int:
        return self.report


class DrawnLatency:
    """A least time and an exponential rest: the waiting time of a queue that serves one after the other (M/M/1).

    Longer than a minute it never is.
    """

    def __init__(self, generator: random.Random, least: ConstantLatency, mean_rest_ns: int) -> None:
        """Raises `FieldError` for a mean that is not from 1 ns to a minute."""
        check_integer(type(self), "mean_rest_ns", mean_rest_ns, 1, _MINUTE_NS)
        self._generator = generator
        self._least = least
        self._mean_rest_ns = mean_rest_ns

    def order_ns(self) -> int:
        return self._draw(self._least.order)

    def cancel_ns(self) -> int:
        return self._draw(self._least.cancel)

    def report_ns(self) -> int:
        return self._draw(self._least.report)

    def _draw(self, least_ns: int) -> int:
        return min(_MINUTE_NS, least_ns + round(self._generator.expovariate(1 / self._mean_rest_ns)))
