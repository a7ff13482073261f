"""The order that a schedule spreads, counted in lots."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from noderr.execution.errors import ScheduleError
from noderr.types.trading import Instrument, Order, TimeInForce, decimal_text
from noderr.types.trading.decimals import multiply


@dataclass(frozen=True, slots=True)
class Parent:
    """Side, symbol and limit of everything that is sent are the order's.

    The smallest slice keeps the instrument's minimum quantity and, at the order's limit, its minimum notional. A market
    order has no limit: where there is a minimum notional it needs a `reference_price`, in quote per base.
    """

    order: Order
    instrument: Instrument
    reference_price: Decimal | None = None
    lots: int = field(init=False)
    """Whole lots of the order; what is left over can never be sent."""
    least_lots: int = field(init=False)
    """Of one slice."""

    def __post_init__(self) -> None:
        order, instrument = self.order, self.instrument
        if order.symbol != instrument.symbol:
            raise ScheduleError(f"the order is for {order.symbol}, the instrument is {instrument.symbol}")
        if order.time_in_force is TimeInForce.FOK:
            raise ScheduleError(f"order {order.client_order_id} is fill-or-kill: it cannot be sent in parts")
        least = Fraction(instrument.min_quantity)
        if instrument.min_notional:
            price = order.limit_price or self.reference_price
            if price is None or not price > 0:
                raise ScheduleError(
                    f"reference_price is {price}: the minimum of {decimal_text(instrument.min_notional)} "
                    f"{instrument.quote} for a market order can only be kept with a positive one"
                )
            least = max(least, Fraction(instrument.min_notional) / Fraction(price))
        object.__setattr__(self, "lots", self.lots_in(order.quantity))
        object.__setattr__(self, "least_lots", max(1, math.ceil(least / Fraction(instrument.lot_size))))

    def lots_in(self, quantity: Decimal | Fraction) -> int:
        """Rounded down."""
        return math.floor(Fraction(quantity) / Fraction(self.instrument.lot_size))

    def quantity_of(self, lots: int) -> Decimal:
        return multiply(self.instrument.lot_size, Decimal(lots))
