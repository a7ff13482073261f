"""How much is traded on a signal, and how far from the price: what an operator decides, with no default for money."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from noderr.types.trading import FieldError
from noderr.types.trading.checks import check_integer, check_number

_MAX_BPS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TradePolicy:
    """`equity_fraction` is the position that a signal of full confidence asks for, as a part of the equity.

    The limit lies `limit_bps` beyond the signal's mid price. A trade must be approved and over within `valid_seconds`.
    A signal of less than `least_confidence_bps` is none.
    """

    equity_fraction: Decimal
    limit_bps: int = 20
    valid_seconds: int = 10
    least_confidence_bps: int = 5_000

    def __post_init__(self) -> None:
        check_number(self, "equity_fraction", self.equity_fraction, above=0)
        if self.equity_fraction > 1:
            raise FieldError("TradePolicy", "equity_fraction", self.equity_fraction, "at most 1: nothing is borrowed")
        check_integer(self, "limit_bps", self.limit_bps, 0, 1_000)
        check_integer(self, "valid_seconds", self.valid_seconds, 1, 3_600)
        check_integer(self, "least_confidence_bps", self.least_confidence_bps, 0, _MAX_BPS)
