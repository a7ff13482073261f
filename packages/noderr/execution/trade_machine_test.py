"""What a trade does about silence, orders that are not there, an overfill, and its deadline."""

from __future__ import annotations

from decimal import Decimal

from noderr.core.consensus.testing import NOW_NS, SECOND_NS
from noderr.exchanges.updates import Filled
from noderr.execution.actions import Cancel, FaultKind, Query, SubmitResult
from noderr.execution.machine_testing import BOUNDS, MANDATE, PARENT, faults, fill_of, ids, new_machine, submits
from noderr.execution.records import FinishReason
from noderr.execution.slices import AtOnce
from noderr.execution.trade_machine import TradeMachine
from noderr.types.trading import OrderState


def test_silence_is_asked_about_canceled_and_at_last_told() -> None:
    machine, now_ns = new_machine(), NOW_NS
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
    machine = new_machine()
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
    machine = new_machine()
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
