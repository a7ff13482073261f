"""What was approved lately: what duplicates, repetitions and rates are found by, and what is not in a snapshot yet."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from decimal import Decimal

from noderr.risk_engine.book import Book
from noderr.risk_engine.exact import exactly
from noderr.risk_engine.snapshot import OpenOrder, PortfolioSnapshot
from noderr.types.trading import Order, Side

type Fields = tuple[str, Side, Decimal, Decimal | None]
"""Two orders with the same are the same order but for the id."""


def fields_of(order: Order) -> Fields:
    return (order.symbol, order.side, order.quantity, order.limit_price)


@dataclass(frozen=True, slots=True)
class Approved:
    """An order approved at `at_ns` (UTC), at `worst_price`, and the parent that it follows from, if any."""

    at_ns: int
    order: Order
    worst_price: Decimal
    parent: str | None


class OrderFlow:
    """Remembers `window_ns`. The limits bound how much is approved in that time, and so its memory.

    Time does not go back in it: when the machine's clock is set back, what was approved counts for longer.
    """

    def __init__(self, window_ns: int) -> None:
        self._window_ns = window_ns
        self._all: deque[Approved] = deque()
        self._ids: dict[str, int] = {}
        self._fields: dict[Fields, deque[int]] = {}
        self._parents: dict[str, int] = {}
        self._turnover = Decimal(0)
        self._book: tuple[PortfolioSnapshot, Book, int] | None = None

    def __len__(self) -> int:
        return len(self._all)

    @property
    def turnover(self) -> Decimal:
        """The notional of all that is remembered, in quote."""
        return self._turnover

    def record(self, approved: Approved) -> None:
        """Call it for what was approved, before anybody is told."""
        at_ns = max(approved.at_ns, self._all[-1].at_ns) if self._all else approved.at_ns
        order = approved.order
        self._all.append(Approved(at_ns, order, approved.worst_price, approved.parent))
        self._ids[order.client_order_id] = at_ns
        self._fields.setdefault(fields_of(order), deque()).append(at_ns)
        if approved.parent is not None:
            self._parents[approved.parent] = self._parents.get(approved.parent, 0) + 1
        with exactly():
            self._turnover += order.quantity * approved.worst_price
        self._book = None

    def forget(self, now_ns: int) -> None:
        """Let go of what is older than the window."""
        while self._all and self._all[0].at_ns <= now_ns - self._window_ns:
            self._drop(self._all.popleft())

    def has_id(self, client_order_id: str) -> bool:
        return client_order_id in self._ids

    def same(self, fields: Fields) -> deque[int] | None:
        """When orders with these fields were approved, ascending; None when none was."""
        return self._fields.get(fields)

    def children(self, parent: str) -> int:
        """How many orders of this parent are remembered."""
        return self._parents.get(parent, 0)

    def reached(self, limit: int, since_ns: int) -> bool:
        """Whether `limit` orders or more were approved after `since_ns`."""
        return limit <= 0 or (len(self._all) >= limit and self._all[-limit].at_ns > since_ns)

    def count(self, since_ns: int) -> int:
        """How many were approved after `since_ns`."""
        return sum(each.at_ns > since_ns for each in self._all)

    def book(self, snapshot: PortfolioSnapshot, in_flight_ns: int) -> Book:
        """The snapshot's sums with what it cannot know yet: approved after it, or less than `in_flight_ns` before."""
        known = self._book
        if known is not None and known[0] is snapshot and known[2] == in_flight_ns:
            return known[1]
        since_ns = snapshot.as_of_ns - in_flight_ns
        unseen: list[OpenOrder] = []
        for each in reversed(self._all):
            if each.at_ns <= since_ns:
                break
            if each.order.client_order_id not in snapshot.open_ids:
                unseen.append(_open(each))
        book = snapshot.book_with(unseen) if unseen else snapshot.book
        self._book = (snapshot, book, in_flight_ns)
        return book

    def _drop(self, old: Approved) -> None:
        order = old.order
        if self._ids.get(order.client_order_id) == old.at_ns:
            del self._ids[order.client_order_id]
        fields = fields_of(order)
        self._fields[fields].popleft()
        if not self._fields[fields]:
            del self._fields[fields]
        if old.parent is not None:
            self._parents[old.parent] -= 1
            if not self._parents[old.parent]:
                del self._parents[old.parent]
        with exactly():
            self._turnover -= order.quantity * old.worst_price
        self._book = None


def _open(approved: Approved) -> OpenOrder:
    order = approved.order
    return OpenOrder(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        worst_price=approved.worst_price,
    )
