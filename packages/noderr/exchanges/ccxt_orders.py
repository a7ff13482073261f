"""One order's whole story from a venue that tells it in parts: its state here, its trades there."""

from __future__ import annotations

from copy import replace
from decimal import Decimal
from typing import Any

from noderr.exchanges.ccxt_dialect import Dialect, Told
from noderr.exchanges.errors import OutcomeUnknownError
from noderr.exchanges.updates import VenueOrder
from noderr.types.trading import Order
from noderr.utils import Clock

_READINGS = 4
_PAUSE_SECONDS = 0.5


async def find_order(
    dialect: Dialect, exchange: Any, clock: Clock, ours: Order | None, name: tuple[str, str, str | None]
) -> tuple[VenueOrder, int] | None:
    """The order with all of its fills, and when it got so; None where the venue lists none.

    `name` is client id, symbol and the venue's id where that is known; `ours` is the order as we sent it, which says
    more than the venue repeats. A fill can come between the two questions: they are asked again until they agree.
    Raises `OutcomeUnknownError` where they do not.
    """
    for reading in range(_READINGS):
        if reading:
            await clock.sleep(_PAUSE_SECONDS)
        told = await dialect.find(exchange, *name)
        if told is None:
            return None
        if (whole := await with_fills(dialect, exchange, clock, told, ours)) is not None:
            return whole, told.changed_at_ns
    raise OutcomeUnknownError(
        f"{dialect.name} says one thing of {name[0]} and another of its trades, {_READINGS} times: ask again"
    )


async def with_fills(
    dialect: Dialect, exchange: Any, clock: Clock, told: Told, ours: Order | None
) -> VenueOrder | None:
    """None where its trades do not add up to what is filled."""
    order = ours or told.order
    fills = await dialect.fills(exchange, told) if told.filled else ()
    if sum((fill.quantity for fill in fills), Decimal(0)) != told.filled:
        return None
    if (order.symbol, order.side) != (told.order.symbol, told.order.side) or order.quantity != told.order.quantity:
        raise OutcomeUnknownError(f"{dialect.name} has another order of the id {order.client_order_id}: look at it")
    return VenueOrder(
        order=order,
        venue_order_id=told.venue_order_id,
        state=told.state,
        filled=told.filled,
        fills=tuple(replace(fill, client_order_id=order.client_order_id) for fill in fills),
        as_of_ns=clock.now_ns(),
    )
