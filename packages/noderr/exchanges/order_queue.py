"""One side of a book of individual orders: prices sorted, the orders of a price in the order they came."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterator

import msgspec

from noderr.types.trading import Side


class Resting(msgspec.Struct):
    """An order in the book; `size` is what is left of it, in lots, and `price` in ticks."""

    order_id: str
    owner: str
    side: Side
    price: int
    size: int


class Queue:
    """The orders at one price, the first first. `size` is what they add up to."""

    __slots__ = ("orders", "size")

    def __init__(self) -> None:
        # Linked, so that the first and any other one leave in the same short time, however many left before.
        self.orders: OrderedDict[str, Resting] = OrderedDict()
        self.size = 0


class OrderSide:
    """Bids (`direction` 1, the highest price is the best) or asks (-1)."""

    __slots__ = ("_direction", "_keys", "_queues")

    def __init__(self, direction: int) -> None:
        self._direction = direction
        self._queues: dict[int, Queue] = {}
        self._keys: list[int] = []  # price * direction, ascending: the best is the last.

    def best(self) -> int | None:
        """The best price."""
        return self._keys[-1] * self._direction if self._keys else None

    def queue(self, price: int) -> Queue:
        """Those at a price at which there are some."""
        return self._queues[price]

    def prices(self) -> Iterator[int]:
        """The best first."""
        return (key * self._direction for key in reversed(self._keys))

    def levels(self, count: int) -> list[tuple[int, int]]:
        """Price and size of the best `count` prices."""
        best = [key * self._direction for key in self._keys[: -count - 1 : -1]]
        return [(price, self._queues[price].size) for price in best]

    def add(self, order: Resting) -> None:
        """To the end of its price's queue."""
        queue = self._queues.get(order.price)
        if queue is None:
            queue = self._queues[order.price] = Queue()
            insort(self._keys, order.price * self._direction)
        queue.orders[order.order_id] = order
        queue.size += order.size

    def take(self, order: Resting, size: int) -> None:
        """Make an order in the book smaller by `size`, or take it out when that is all of it; its place stays."""
        queue = self._queues[order.price]
        queue.size -= size
        order.size -= size
        if not order.size:
            del queue.orders[order.order_id]
            if not queue.orders:
                del self._queues[order.price]
                del self._keys[bisect_left(self._keys, order.price * self._direction)]
