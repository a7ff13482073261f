"""A position: what fills have added up to. How they do, an account says; this is the record."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from noderr.types.trading.checks import check_number, check_symbol, check_time
from noderr.types.trading.errors import FieldError
from noderr.types.trading.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """`quantity` is in base, negative when short; `average_price` is quote per base, and None just when flat."""

    symbol: str
    quantity: Decimal
    average_price: Decimal | None
    realised_pnl: Money
    as_of_ns: int

    def __post_init__(self) -> None:
        check_symbol(self, "symbol", self.symbol)
        check_number(self, "quantity", self.quantity)
        check_time(self, "as_of_ns", self.as_of_ns)
        if self.quantity != 0:
            check_number(self, "average_price", self.average_price, above=0)
        elif self.average_price is not None:
            raise FieldError("Position", "average_price", self.average_price, "None, because there is no position")
        if self.realised_pnl.currency != self.symbol.partition("/")[2]:
            raise FieldError("Position", "realised_pnl", str(self.realised_pnl), f"in the quote of {self.symbol}")
