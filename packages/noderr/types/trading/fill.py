"""A fill: a part of an order that was traded."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from decimal import Decimal

from noderr.types.trading.checks import check_id, check_number, check_symbol, check_time
from noderr.types.trading.decimals import multiply
from noderr.types.trading.money import Money
from noderr.types.trading.order import Side


class Liquidity(enum.Enum):
    """Whether the order rested in the book (maker) or met one that did (taker)."""

    MAKER = "maker"
    TAKER = "taker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """`price` is quote per base, `quantity` in base, both positive; a negative `fee` is a rebate."""

    fill_id: str
    client_order_id: str
    venue: str
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Money
    liquidity: Liquidity
    at_ns: int

    def __post_init__(self) -> None:
        check_id(self, "fill_id", self.fill_id)
        check_id(self, "client_order_id", self.client_order_id)
        check_id(self, "venue", self.venue)
        check_symbol(self, "symbol", self.symbol)
        check_number(self, "price", self.price, above=0)
        check_number(self, "quantity", self.quantity, above=0)
        check_time(self, "at_ns", self.at_ns)

    @property
    def notional(self) -> Money:
        """Price times quantity, in quote. Raises `InexactError`."""
        return Money(multiply(self.price, self.quantity), self.symbol.partition("/")[2])
