"""What can be traded, and in which steps."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from noderr.types.trading.checks import check_number, check_symbol
from noderr.types.trading.decimals import decimal_text, is_multiple, multiply
from noderr.types.trading.errors import FieldError


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A spot pair. Prices are quote per base, quantities in base, `min_notional` in quote."""

    symbol: str
    tick_size: Decimal
    lot_size: Decimal
    min_quantity: Decimal
    min_notional: Decimal

    def __post_init__(self) -> None:
        check_symbol(self, "symbol", self.symbol)
        check_number(self, "tick_size", self.tick_size, above=0)
        check_number(self, "lot_size", self.lot_size, above=0)
        check_number(self, "min_quantity", self.min_quantity, least=0)
        check_number(self, "min_notional", self.min_notional, least=0)

    @property
    def base(self) -> str:
        """What is bought and sold."""
        return self.symbol.partition("/")[0]

    @property
    def quote(self) -> str:
        """What it is paid in."""
        return self.symbol.partition("/")[2]

    def check_price(self, price: Decimal) -> None:
        """Raises `FieldError` for a price that is not positive or not on a tick."""
        check_number(self, "price", price, above=0)
        if not is_multiple(price, self.tick_size):
            raise FieldError(self.symbol, "price", price, f"a multiple of the tick {decimal_text(self.tick_size)}")

    def check_quantity(self, quantity: Decimal, price: Decimal | None = None) -> None:
        """Raises `FieldError` for a quantity off the lots or below a minimum, of notional where a price is given."""
        check_number(self, "quantity", quantity, above=0)
        if not is_multiple(quantity, self.lot_size):
            raise FieldError(self.symbol, "quantity", quantity, f"a multiple of the lot {decimal_text(self.lot_size)}")
        if quantity < self.min_quantity:
            raise FieldError(
                self.symbol, "quantity", quantity, f"at least {decimal_text(self.min_quantity)} {self.base}"
            )
        if price is not None and (notional := multiply(quantity, price)) < self.min_notional:
            raise FieldError(
                self.symbol, "notional", notional, f"at least {decimal_text(self.min_notional)} {self.quote}"
            )
