"""One child whose fate is not known: what counts as a word about it, and what does not."""

from __future__ import annotations

from decimal import Decimal

from noderr.exchanges.updates import CancelRejected, RejectReason
from noderr.execution.actions import Cancel, Query, SubmitResult
from noderr.execution.bounds import TradeBounds
from noderr.execution.child_order import ChildOrder
from noderr.execution.records import ChildPlaced
from noderr.types.trading import Order, OrderState, OrderType, Side, TimeInForce

NOW_NS = 1_790_000_000_000_000_000
SECOND_NS = 1_000_000_000
BOUNDS = TradeBounds()


def child() -> ChildOrder:
    order = Order(
        client_order_id="c-1",
        symbol="BTC/USD",
        side=Side.BUY,
        type=OrderType.LIMIT,
        quantity=Decimal(1),
        limit_price=Decimal(100),
        time_in_force=TimeInForce.IOC,
        created_at_ns=NOW_NS,
    )
    return ChildOrder(ChildPlaced(b"\1" * 32, 1, 0, "kraken", order, False, NOW_NS), BOUNDS)


def test_cancels_that_are_refused_for_an_order_that_is_not_there_do_not_keep_it_alive() -> None:
    """It never left, its time is over, so it is canceled and asked for in turn, at the same pace: that must end."""
    one, now_ns, asked = child(), NOW_NS, 0
    one.on_submit_result(SubmitResult.UNKNOWN, "it broke", now_ns)
    one.cancel(now_ns)
    while not one.is_over and now_ns < NOW_NS + 120 * SECOND_NS:
        for action in one.due(now_ns):
            match action:
                case Query():
                    asked += 1
                    one.on_venue_order(None, now_ns, is_certain=False)
                case Cancel():
                    refused = CancelRejected(
                        client_order_id=one.id, reason=RejectReason.UNKNOWN_ORDER, detail="", at_ns=now_ns
                    )
                    one.on_update(refused, now_ns)
        now_ns += SECOND_NS // 10
    assert one.tracker.state is OrderState.REJECTED
    assert asked == 2
    assert now_ns <= NOW_NS + BOUNDS.ask_pause_ns + BOUNDS.absent_ns + SECOND_NS
