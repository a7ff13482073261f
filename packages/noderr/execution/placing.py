"""From what a router allots to the child orders that carry it out."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from noderr.execution.allotment import Allotted
from noderr.execution.records import ChildPlaced
from noderr.execution.slices import OpenSlice
from noderr.execution.trade_book import TradeBook
from noderr.types.trading import Order, OrderType, TimeInForce

type OrderIds = Callable[[bytes, int, int], str]
"""Of a trade's id, the number of its child, and the attempt."""


def placements(
    book: TradeBook, part: OpenSlice, allotted: Iterable[Allotted], ids: OrderIds, now_ns: int
) -> list[ChildPlaced]:
    """The children of the slice's next attempt, one for each that is allotted; the book does not have them yet."""
    mandate = book.mandate
    return [
        ChildPlaced(
            trade_id=mandate.trade_id,
            slice=part.number,
            attempt=part.attempts,
            venue=one.venue,
            order=Order(
                client_order_id=ids(mandate.trade_id, number, part.attempts),
                symbol=mandate.order.symbol,
                side=mandate.order.side,
                type=OrderType.MARKET if one.limit_price is None else OrderType.LIMIT,
                quantity=one.quantity,
                limit_price=one.limit_price,
                time_in_force=one.time_in_force,
                expires_at_ns=part.until_ns if one.time_in_force is TimeInForce.GTD else None,
                created_at_ns=now_ns,
            ),
            post_only=one.post_only,
            at_ns=now_ns,
        )
        for number, one in enumerate(allotted, len(book.children))
    ]
