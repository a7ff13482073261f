"""What venues charge, as their published schedules say it: a part of the notional, in the quote currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from noderr.types.trading import Fill, Liquidity, Money
from noderr.types.trading.checks import check_integer, check_number
from noderr.types.trading.decimals import add, multiply
from noderr.validator_consensus.price_band import FeeBounds

_MOST_DIGITS = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeRates:
    """Fractions of the notional, such as 0.0026; a negative one is a rebate.

    A fee is charged in steps of 10^-`digits`, and which way a venue rounds is its own affair: either is as scheduled.
    """

    maker: Decimal
    taker: Decimal
    digits: int

    def __post_init__(self) -> None:
        check_number(self, "maker", self.maker)
        check_number(self, "taker", self.taker)
        check_integer(self, "digits", self.digits, 0, _MOST_DIGITS)


class FeeTable:
    """A `FeeSchedule`: the rates of each venue; another venue's fees are not known."""

    def __init__(self, rates: Mapping[str, FeeRates]) -> None:
        self._rates = dict(rates)

    async def fees(self, fill: Fill) -> FeeBounds | None:
        """Raises `InexactError` for a fill whose fee has more digits than are counted."""
        rates = self._rates.get(fill.venue)
        if rates is None:
            return None
        exact = multiply(fill.notional.amount, rates.maker if fill.liquidity is Liquidity.MAKER else rates.taker)
        step, currency = Decimal(1).scaleb(-rates.digits), fill.notional.currency
        return FeeBounds(Money(add(exact, -step), currency), Money(add(exact, step), currency))
