"""An order: what is wanted. What became of it is its state (`order_state`) and its fills."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from decimal import Decimal

from noderr.types.trading.checks import check_id, check_number, check_symbol, check_time
from noderr.types.trading.errors import FieldError


class Side(enum.Enum):
    """The taker's or maker's direction in base."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """1 for a buy, -1 for a sell: what it does to the position."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(enum.Enum):
    """FIX OrdType 1 and 2; stops are emulated from these two."""

    MARKET = "market"
    LIMIT = "limit"


class TimeInForce(enum.Enum):
    """FIX TimeInForce: how long an order stays."""

    GTC = "good-till-cancel"
    IOC = "immediate-or-cancel"
    FOK = "fill-or-kill"
    GTD = "good-till-date"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`quantity` is in base, `limit_price` quote per base and only for a limit, `expires_at_ns` only for GTD."""

    client_order_id: str
    symbol: str
    side: Side
    type: OrderType
    quantity: Decimal
    limit_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at_ns: int | None = None
    created_at_ns: int

    def __post_init__(self) -> None:
        check_id(self, "client_order_id", self.client_order_id)
        check_symbol(self, "symbol", self.symbol)
        check_number(self, "quantity", self.quantity, above=0)
        check_time(self, "created_at_ns", self.created_at_ns)
        if self.type is OrderType.LIMIT:
            check_number(self, "limit_price", self.limit_price, above=0)
        elif self.limit_price is not None:
            raise FieldError("Order", "limit_price", self.limit_price, "None, because this is a market order")
        elif self.time_in_force not in (TimeInForce.IOC, TimeInForce.FOK):
            raise FieldError("Order", "time_in_force", self.time_in_force, "IOC or FOK: a market order cannot rest")
        if self.time_in_force is TimeInForce.GTD:
            check_time(self, "expires_at_ns", self.expires_at_ns)
            if self.expires_at_ns is None or self.expires_at_ns <= self.created_at_ns:
                raise FieldError("Order", "expires_at_ns", self.expires_at_ns, "later than created_at_ns")
        elif self.expires_at_ns is not None:
            raise FieldError("Order", "expires_at_ns", self.expires_at_ns, "None: only a GTD order expires")
