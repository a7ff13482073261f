"""What the fills of an order come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from noderr.execution.costs.figure import Insufficient, quotient
from noderr.execution.errors import CostError
from noderr.types.trading import Fill, Money, Order
from noderr.types.trading.decimals import add, multiply


@dataclass(frozen=True, slots=True)
class Executed:
    """`quantity` in base, `turnover` what was paid or received for it in quote, without fees."""

    quantity: Decimal
    turnover: Decimal
    fees: Money | Insufficient
    """In quote. A fee in base counts at its fill's own price; one in a third currency has none here."""
    last_ns: int | None

    @property
    def average_price(self) -> Decimal | Insufficient:
        """To 28 digits."""
        return quotient(self.turnover, self.quantity) if self.quantity else Insufficient("nothing was filled")


def executed(order: Order, fills: Sequence[Fill]) -> Executed:
    """Raises `CostError` for fills that are not of this order, come twice, or exceed it."""
    quantity = turnover = Decimal(0)
    seen = set()
    for fill in fills:
        if (fill.symbol, fill.side) != (order.symbol, order.side):
            raise CostError(
                f"fill {fill.fill_id} is a {fill.side.value} of {fill.symbol}, "
                f"the order a {order.side.value} of {order.symbol}"
            )
        if (key := (fill.venue, fill.client_order_id, fill.fill_id)) in seen:
            raise CostError(f"fill {fill.fill_id} of {fill.venue} comes twice: hand in each once")
        seen.add(key)
        quantity = add(quantity, fill.quantity)
        turnover = add(turnover, multiply(fill.price, fill.quantity))
    if quantity > order.quantity:
        raise CostError(f"{quantity} were filled of an order of {order.quantity}: these are not its fills")
    return Executed(quantity, turnover, _fees(order, fills), max((fill.at_ns for fill in fills), default=None))


def _fees(order: Order, fills: Sequence[Fill]) -> Money | Insufficient:
    base, _, quote = order.symbol.partition("/")
    total = Decimal(0)
    for fill in fills:
        if fill.fee.currency == quote or not fill.fee.amount:
            total = add(total, fill.fee.amount)
        elif fill.fee.currency == base:
            total = add(total, multiply(fill.fee.amount, fill.price))
        else:
            return Insufficient(f"fill {fill.fill_id} paid its fee in {fill.fee.currency}, of which no rate is given")
    return Money(total, quote)
