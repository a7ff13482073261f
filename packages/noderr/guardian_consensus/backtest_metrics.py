"""What a backtest of a strategy came to: the figures that reviews, thresholds and committees are about."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from noderr.types.trading.checks import check_integer, check_number
from noderr.types.trading.errors import FieldError

_LARGEST = 1_000_000_000
_PLACES = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestMetrics:
    """`sharpe` is the annualised ratio; `max_drawdown` (of the peak), `win_rate` (of trades) and `annual_return` are
    fractions, 0.2 for 20 %; `overfit` is points, 0 (none seen) to 100. Each has at most 18 decimal places and is at
    most a billion, so that nobody can send a number with which others cannot be compared.
    """

    sharpe: Decimal
    max_drawdown: Decimal
    win_rate: Decimal
    trades: int
    annual_return: Decimal
    overfit: Decimal

    def __post_init__(self) -> None:
        # More than everything can be lost with leverage: a return may be below -1.
        self._check("sharpe", self.sharpe, -_LARGEST, _LARGEST)
        self._check("max_drawdown", self.max_drawdown, 0, 1)
        self._check("win_rate", self.win_rate, 0, 1)
        check_integer(self, "trades", self.trades, 0, _LARGEST)
        self._check("annual_return", self.annual_return, -_LARGEST, _LARGEST)
        self._check("overfit", self.overfit, 0, 100)

    def _check(self, field: str, value: Decimal, least: int, most: int) -> None:
        check_number(self, field, value, least=least)
        exponent = value.as_tuple().exponent
        if value > most or not isinstance(exponent, int) or exponent < -_PLACES:
            raise FieldError(type(self).__name__, field, value, f"{least} to {most}, with at most {_PLACES} decimals")
