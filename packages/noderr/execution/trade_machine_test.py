"""What a trade does about rests, refusals, silence, halts, and plans that want too much."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from decimal import Decimal

import pytest

from noderr.core.consensus.testing import NOW_NS, SECOND_NS
from noderr.exchanges.updates import Canceled, Filled, Rejected, RejectReason
from noderr.execution.actions import Action, Cancel, Fault, FaultKind, Finished, Query, Submit, SubmitResult
from noderr.execution.allotment import Allotted, Wanted
from noderr.execution.bounds import TradeBounds
from noderr.execution.machine_testing import BOUNDS, MANDATE, PARENT, AtVenue, fill_of, halves, ids
from noderr.execution.records import FinishReason
from noderr.execution.slices import AtOnce
from noderr.execution.trade_machine import TradeMachine
from noderr.types.trading import Order, OrderState, TimeInForce


def new(order: Order = PARENT, bounds: TradeBounds = BOUNDS) -> TradeMachine:
    mandate = copy.replace(MANDATE, order=order)
    return TradeMachine.of(mandate, halves, ids, bounds, now_ns=NOW_NS)


def submits(actions: Sequence[Action]) -> list[Submit]:
    return [action for action in actions if isinstance(action, Submit)]


def faults(actions: Sequence[Action]) -> list[FaultKind]:
    return [action.kind for action in actions if isinstance(action, Fault)]


def refuse(machine: TradeMachine, order: Order, now_ns: int, reason: RejectReason) -> list[Action]:
    update = Rejected(client_order_id=order.client_order_id, reason=reason, detail="no", at_ns=now_ns)
    return machine.on_update(update, now_ns)


def test_what_a_venue_leaves_is_sent_again_after_it_was_asked_and_a_pause() -> None:
    machine = new()
    first, second = submits(machine.start())
    machine.on_update(Filled(fill=fill_of(first.order, "A", Decimal("0.5"))), NOW_NS)
    machine.on_update(Filled(fill=fill_of(second.order, "B", Decimal("0.2"))), NOW_NS)
    machine.on_submit_result(second.order.client_order_id, SubmitResult.SENT, NOW_NS)
    asked = machine.on_update(Canceled(client_order_id=second.order.client_order_id, at_ns=NOW_NS), NOW_NS)
    assert Query("B", second.order.client_order_id, "BTC/USD") in asked
    later_ns = NOW_NS + BOUNDS.pause_ns
    assert submits(machine.on_time(later_ns)) == [], "what a venue has not accounted for is not free"
    said = AtVenue(second.order, "B", OrderState.CANCELED, (fill_of(second.order, "B", Decimal("0.2")),))
    again = submits(machine.on_venue_order(second.order.client_order_id, said.said(later_ns), later_ns))
    assert sum(one.order.quantity for one in again) == Decimal("0.3")
    assert machine.book.free == 0


def test_a_venue_that_refuses_gets_no_more_and_tries_are_counted() -> None:
    machine, now_ns, sent = new(), NOW_NS, 0
    first, second = submits(machine.start())
    refuse(machine, first.order, now_ns, RejectReason.INSUFFICIENT_FUNDS)
    out = refuse(machine, second.order, now_ns, RejectReason.CANNOT_FILL)
    venues = []
    for _ in range(20):
        now_ns += BOUNDS.pause_ns
        out = machine.on_time(now_ns)
        for one in submits(out):
            sent += 1
            venues.append(one.venue)
            out = refuse(machine, one.order, now_ns, RejectReason.CANNOT_FILL)
        if machine.book.finished:
            break
    assert machine.book.finished is FinishReason.ATTEMPTS
    assert sent == BOUNDS.attempts - 1
    assert set(venues) == {"B"}
    assert isinstance(out[-1], Finished)


def test_no_more_children_than_are_allowed() -> None:
    machine = new(bounds=copy.replace(BOUNDS, children=3, attempts=50))
    now_ns, out, sent = NOW_NS, machine.start(), 0
    while machine.book.finished is None:
        for one in submits(out):
            sent += 1
            refuse(machine, one.order, now_ns, RejectReason.CANNOT_FILL)
        now_ns += BOUNDS.pause_ns
        out = machine.on_time(now_ns)
    assert sent == 3
    assert machine.book.finished is FinishReason.ATTEMPTS


def test_an_order_that_may_not_wait_is_tried_once() -> None:
    machine = new(copy.replace(PARENT, time_in_force=TimeInForce.IOC))
    for one in submits(machine.start()):
        refuse(machine, one.order, NOW_NS, RejectReason.CANNOT_FILL)
    assert machine.book.finished is FinishReason.ATTEMPTS


def test_all_or_nothing_goes_to_one_venue_or_to_none() -> None:
    killed = copy.replace(PARENT, time_in_force=TimeInForce.FOK)
    assert submits(new(killed).start()) == [], "two venues cannot promise it"
    mandate = copy.replace(MANDATE, order=killed)

    def one_venue(wanted: Wanted) -> Sequence[Allotted]:
        return [Allotted(venue="A", quantity=wanted.quantity, limit_price=wanted.order.limit_price)]

    (sent,) = submits(TradeMachine.of(mandate, one_venue, ids, BOUNDS, now_ns=NOW_NS).start())
    assert (sent.order.quantity, sent.order.time_in_force) == (PARENT.quantity, TimeInForce.FOK)


@pytest.mark.parametrize(
    "part",
    [
        Allotted(venue="A", quantity=Decimal("1.01"), limit_price=Decimal(100)),
        Allotted(venue="A", quantity=Decimal(1), limit_price=Decimal("100.01")),
        Allotted(venue="A", quantity=Decimal(1), limit_price=None),
        Allotted(venue="A", quantity=Decimal(-1), limit_price=Decimal(100)),
    ],
)
def test_a_plan_that_wants_too_much_sends_nothing(part: Allotted) -> None:
    def greedy(_wanted: Wanted) -> Sequence[Allotted]:
        return [part]

    machine = TradeMachine.of(MANDATE, greedy, ids, BOUNDS, now_ns=NOW_NS)
    out = machine.start()
    assert submits(out) == []
    assert faults(out) == [FaultKind.BAD_PLAN]
    assert machine.book.finished is FinishReason.HALTED


def test_silence_is_asked_about_canceled_and_at_last_told() -> None:
    machine, now_ns = new(), NOW_NS
    for one in submits(machine.start()):
        machine.on_submit_result(one.order.client_order_id, SubmitResult.SENT, now_ns)
    asked, canceled, told = 0, 0, list[FaultKind]()
    while not told:
        now_ns = machine.next_time_ns or now_ns
        assert now_ns <= NOW_NS + BOUNDS.stuck_ns
        out = machine.on_time(now_ns)
        assert submits(out) == []
        told += faults(out)
        canceled += sum(isinstance(action, Cancel) for action in out)
        for action in out:
            if isinstance(action, Query):
                asked += 1
                machine.on_query_failed(action.client_order_id, now_ns)
    assert set(told) == {FaultKind.STUCK}
    assert now_ns == NOW_NS + BOUNDS.stuck_ns
    assert asked > 6
    assert canceled >= 2
    assert machine.book.finished is None, "what nobody knows is not over"


def test_what_is_not_there_is_believed_at_the_second_time_and_not_while_it_leaves() -> None:
    machine = new()
    first, _ = submits(machine.start())
    name = first.order.client_order_id
    out = machine.on_time(NOW_NS + BOUNDS.silence_ns)
    assert not any(isinstance(action, Query) for action in out), "it waits to be sent: nobody can have it"
    now_ns = NOW_NS + BOUNDS.silence_ns
    machine.on_submit_result(name, SubmitResult.UNKNOWN, now_ns)
    machine.on_venue_order(name, None, now_ns)
    assert machine.book.children[name].tracker.state is OrderState.UNKNOWN
    machine.on_venue_order(name, None, now_ns + BOUNDS.absent_ns - 1)
    assert not machine.book.children[name].is_over
    machine.on_venue_order(name, None, now_ns + BOUNDS.absent_ns)
    assert machine.book.children[name].is_over


def test_an_overfill_halts_and_is_told_with_the_rest() -> None:
    machine = new()
    first, second = submits(machine.start())
    for order, venue in ((first.order, "A"), (second.order, "B")):
        machine.on_submit_result(order.client_order_id, SubmitResult.SENT, NOW_NS)
        machine.on_update(Filled(fill=fill_of(order, venue, Decimal("0.5"), 0)), NOW_NS)
    assert machine.book.finished is FinishReason.FILLED
    out = machine.on_update(Filled(fill=fill_of(first.order, "A", Decimal("0.1"), 1)), NOW_NS)
    assert faults(out) == [FaultKind.OVERFILL]


def test_after_the_deadline_nothing_is_sent() -> None:
    machine = TradeMachine.of(MANDATE, lambda _wanted: (), ids, BOUNDS, now_ns=NOW_NS)
    machine.start(AtOnce(PARENT.quantity, MANDATE.deadline_ns + SECOND_NS))
    out = machine.on_time(MANDATE.deadline_ns - BOUNDS.margin_ns)
    assert machine.book.finished is FinishReason.NO_MARKET
    assert submits(out) == []
