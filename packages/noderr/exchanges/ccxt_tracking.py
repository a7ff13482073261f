"""What changed of an order since the venue was asked last, as updates. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field

from noderr.exchanges.updates import (
    Accepted,
    Canceled,
    Expired,
    Filled,
    OrderUpdate,
    Rejected,
    RejectReason,
    VenueOrder,
)
from noderr.types.trading import Order, OrderState


@dataclass(slots=True)
class Tracked:
    """An order that was sent and is not known to be over. `venue_order_id` is None until the venue told it."""

    order: Order
    venue_order_id: str | None = None
    seen_fills: set[str] = field(default_factory=set)

    def accept(self, venue_order_id: str, at_ns: int) -> list[OrderUpdate]:
        """Once; nothing for the second time."""
        if self.venue_order_id is not None:
            return []
        said = Accepted(client_order_id=self.order.client_order_id, venue_order_id=venue_order_id, at_ns=at_ns)
        self.venue_order_id = venue_order_id
        return [said]

    def learn(self, told: VenueOrder, changed_at_ns: int) -> list[OrderUpdate]:
        """Each fill once, by its id; the end after them."""
        updates = self.accept(told.venue_order_id, told.order.created_at_ns)
        for fill in told.fills:
            if fill.fill_id not in self.seen_fills:
                self.seen_fills.add(fill.fill_id)
                updates.append(Filled(fill=fill))
        name, at_ns = self.order.client_order_id, max([changed_at_ns, *(fill.at_ns for fill in told.fills)])
        match told.state:
            case OrderState.CANCELED:
                updates.append(Canceled(client_order_id=name, at_ns=at_ns))
            case OrderState.EXPIRED:
                updates.append(Expired(client_order_id=name, at_ns=at_ns))
            case OrderState.REJECTED:
                words = "the venue lists it as rejected"
                updates.append(Rejected(client_order_id=name, reason=RejectReason.OTHER, detail=words, at_ns=at_ns))
        return updates
