"""The runs that show whether a strategy depends on its exact parameters: the base, and six beside it."""

from __future__ import annotations

from copy import replace
from dataclasses import dataclass
from decimal import Decimal

from noderr.types.trading.checks import check_integer, check_number
from noderr.types.trading.decimals import multiply
from noderr.types.trading.errors import FieldError

_MAX_LOOKBACK = (1 << 31) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyParameters:
    """`lookback` is in periods; `threshold` is what the strategy compares with; `size` is a fraction of
    capital.
    """

    lookback: int
    threshold: Decimal
    size: Decimal

    def __post_init__(self) -> None:
        check_integer(self, "lookback", self.lookback, 1, _MAX_LOOKBACK)
        check_number(self, "threshold", self.threshold)
        check_number(self, "size", self.size, above=0)


@dataclass(frozen=True, slots=True)
class GridRun:
    """One run; `name` says what was changed."""

    name: str
    parameters: StrategyParameters


def robustness_grid(base: StrategyParameters) -> tuple[GridRun, ...]:
    """Seven runs, the base first. Raises `InexactError` for parameters with more digits than we count in, and
    `FieldError` for a base that has no neighbours: a lookback of one period, or a threshold of zero.

    Periods are whole, so a shorter lookback is rounded down and a longer one up: no run is the base under another name.
    """
    check_integer(base, "lookback", base.lookback, 2, _MAX_LOOKBACK)
    if base.threshold == 0:
        raise FieldError("StrategyParameters", "threshold", base.threshold, "not 0, whose multiples are all 0")
    return (
        GridRun("base", base),
        # In integers, because 0.9 and 1.1 are no floats.
        GridRun("lookback x0.9", replace(base, lookback=base.lookback * 9 // 10)),
        GridRun("lookback x1.1", replace(base, lookback=-(-base.lookback * 11 // 10))),
        GridRun("threshold x0.95", replace(base, threshold=multiply(base.threshold, Decimal("0.95")))),
        GridRun("threshold x1.05", replace(base, threshold=multiply(base.threshold, Decimal("1.05")))),
        GridRun("size x0.8", replace(base, size=multiply(base.size, Decimal("0.8")))),
        GridRun("size x1.2", replace(base, size=multiply(base.size, Decimal("1.2")))),
    )
