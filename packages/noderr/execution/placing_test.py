"""The child orders that carry out what a router allots."""

from __future__ import annotations

from decimal import Decimal

from noderr.core.consensus.testing import NOW_NS, SECOND_NS
from noderr.execution.allotment import Allotted
from noderr.execution.machine_testing import BOUNDS, MANDATE, PARENT, ids
from noderr.execution.placing import placements
from noderr.execution.records import TradeOpened
from noderr.execution.slices import OpenSlice
from noderr.execution.trade_book import TradeBook
from noderr.types.trading import OrderType, TimeInForce

PART = OpenSlice(number=3, quantity=Decimal(1), until_ns=NOW_NS + 7 * SECOND_NS)
RESTS = Allotted(
    venue="A", quantity=Decimal("0.3"), limit_price=Decimal(99), time_in_force=TimeInForce.GTD, post_only=True
)
TAKES = Allotted(venue="B", quantity=Decimal("0.2"), limit_price=None)


def test_each_child_is_what_was_allotted_of_the_mandate_and_ends_with_its_slice() -> None:
    book = TradeBook(TradeOpened(MANDATE, NOW_NS), BOUNDS)
    rests, takes = placements(book, PART, [RESTS, TAKES], ids, NOW_NS + 1)
    assert (rests.trade_id, rests.slice, rests.attempt, rests.at_ns) == (MANDATE.trade_id, 3, 0, NOW_NS + 1)
    assert (rests.venue, rests.post_only, takes.venue, takes.post_only) == ("A", True, "B", False)
    assert (rests.order.symbol, rests.order.side) == (PARENT.symbol, PARENT.side)
    assert (rests.order.type, rests.order.limit_price) == (OrderType.LIMIT, RESTS.limit_price)
    assert (takes.order.type, takes.order.limit_price) == (OrderType.MARKET, None)
    assert (rests.order.quantity, takes.order.quantity) == (RESTS.quantity, TAKES.quantity)
    assert (rests.order.time_in_force, rests.order.expires_at_ns) == (TimeInForce.GTD, PART.until_ns)
    assert (takes.order.time_in_force, takes.order.expires_at_ns) == (TimeInForce.IOC, None)


def test_children_are_numbered_through_the_trade_and_attempts_through_the_slice() -> None:
    book = TradeBook(TradeOpened(MANDATE, NOW_NS), BOUNDS)
    part = OpenSlice(PART.number, PART.quantity, PART.until_ns)
    book.slices[part.number] = part
    names = []
    for _ in range(2):
        placed = placements(book, part, [TAKES, TAKES], ids, NOW_NS)
        assert len({one.attempt for one in placed}) == 1
        for one in placed:
            book.add(one)
            names.append(one.order.client_order_id)
    assert names == [ids(MANDATE.trade_id, child, child // 2) for child in range(4)]
