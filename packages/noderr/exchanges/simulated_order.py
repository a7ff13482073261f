"""An order at a simulated venue, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from noderr.exchanges.order_fees import OrderFees
from noderr.exchanges.queue_position import QueuePosition
from noderr.exchanges.updates import VenueOrder
from noderr.types.trading import Fill, Order, OrderState, Side
from noderr.types.trading.decimals import add

_ZERO = Decimal(0)


@dataclass(slots=True, eq=False)
class SimulatedOrder:
    """`arrived` numbers the arrivals: it is the priority by time; `arrived_ns` is when."""

    order: Order
    venue_order_id: str
    arrived: int
    arrived_ns: int
    fees: OrderFees
    state: OrderState = OrderState.NEW
    filled: Decimal = _ZERO
    fills: list[Fill] = field(default_factory=list)
    position: QueuePosition = field(default_factory=QueuePosition)

    @property
    def id(self) -> str:
        """Ours."""
        return self.order.client_order_id

    @property
    def left(self) -> Decimal:
        """What is not filled, in base."""
        return add(self.order.quantity, -self.filled)

    def meets(self, price: Decimal) -> bool:
        """Whether its limit lets it trade at that price."""
        limit = self.order.limit_price
        if limit is None:
            return True
        return price <= limit if self.order.side is Side.BUY else price >= limit

    def add(self, fill: Fill) -> None:
        """One more fill."""
        self.fills.append(fill)
        self.filled = add(self.filled, fill.quantity)
        self.state = OrderState.FILLED if self.filled == self.order.quantity else OrderState.PARTIALLY_FILLED

    def told(self, as_of_ns: int) -> VenueOrder:
        """What the venue says of it."""
        return VenueOrder(
            order=self.order,
            venue_order_id=self.venue_order_id,
            state=self.state,
            filled=self.filled,
            fills=tuple(self.fills),
            as_of_ns=as_of_ns,
        )


def limit_of(order: SimulatedOrder) -> Decimal:
    """The limit of an order that rests: market orders do not."""
    limit = order.order.limit_price
    assert limit is not None
    return limit
