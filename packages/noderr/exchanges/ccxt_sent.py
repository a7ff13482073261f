"""What this process sent, and from when on a venue's "I have none" is sure."""

from __future__ import annotations

import math
from collections import OrderedDict

from noderr.types.trading import Order
from noderr.utils import Clock

_MOST = 10_000
"""Orders remembered; the oldest are forgotten, and then asked for as if somebody else had sent them."""


class SentOrders:
    """An order of an earlier run, sent the moment before it died, may arrive as late as one of ours."""

    def __init__(self, clock: Clock, settle_seconds: float) -> None:
        self._clock = clock
        self._settle_seconds = settle_seconds
        self._started_ns = clock.now_ns()
        self._started_settled_at = clock.monotonic() + settle_seconds
        self._orders: OrderedDict[str, tuple[Order, float]] = OrderedDict()

    def may_have_been_sent(self, order: Order) -> bool:
        """By this process, or an earlier one."""
        return order.client_order_id in self._orders or order.created_at_ns < self._started_ns

    def order(self, client_order_id: str) -> Order | None:
        """As it was sent."""
        found = self._orders.get(client_order_id)
        return None if found is None else found[0]

    def begin(self, order: Order) -> None:
        """It is being sent: nothing is sure."""
        self._orders[order.client_order_id] = order, math.inf
        if len(self._orders) > _MOST:
            self._orders.popitem(last=False)

    def end(self, client_order_id: str) -> None:
        """Nothing more is sent of it."""
        if (order := self.order(client_order_id)) is not None:
            self._orders[client_order_id] = order, self._clock.monotonic() + self._settle_seconds

    def forget(self, client_order_id: str) -> None:
        """The venue surely does not have it, and nothing is on its way."""
        self._orders.pop(client_order_id, None)

    def is_settled(self, client_order_id: str) -> bool:
        """Whether everything that was sent has arrived or is void by now."""
        found = self._orders.get(client_order_id)
        return self._clock.monotonic() >= (self._started_settled_at if found is None else found[1])
