"""What is sent for an order and what is sent again: rests, refusals, bounds, and plans that want too much."""

from __future__ import annotations

import copy
import random
from collections import deque
from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest

from noderr.core.consensus.testing import NOW_NS, SECOND_NS
from noderr.exchanges.updates import Canceled, Filled, RejectReason
from noderr.execution.actions import Action, FaultKind, Finished, Query, Submit, SubmitResult
from noderr.execution.allotment import Allotted, Wanted
from noderr.execution.machine_testing import (
    BOUNDS,
    MANDATE,
    PARENT,
    AtVenue,
    faults,
    fill_of,
    ids,
    new_machine,
    refuse,
    submits,
)
from noderr.execution.records import FinishReason
from noderr.execution.schedules.iceberg import Iceberg
from noderr.execution.schedules.testing import parent
from noderr.execution.schedules.twap import twap
from noderr.execution.trade_machine import TradeMachine
from noderr.types.trading import OrderState, TimeInForce


def test_what_a_venue_leaves_is_sent_again_after_it_was_asked_and_a_pause() -> None:
    machine = new_machine()
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
    machine, now_ns, sent = new_machine(), NOW_NS, 0
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
    machine = new_machine(bounds=copy.replace(BOUNDS, children=3, attempts=50))
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
    machine = new_machine(copy.replace(PARENT, time_in_force=TimeInForce.IOC))
    for one in submits(machine.start()):
        refuse(machine, one.order, NOW_NS, RejectReason.CANNOT_FILL)
    assert machine.book.finished is FinishReason.ATTEMPTS


def test_all_or_nothing_goes_to_one_venue_or_to_none() -> None:
    killed = copy.replace(PARENT, time_in_force=TimeInForce.FOK)
    assert submits(new_machine(killed).start()) == [], "two venues cannot promise it"
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


def fill(machine: TradeMachine, one: Submit) -> list[Action]:
    return machine.on_update(Filled(fill=fill_of(one.order, one.venue, one.order.quantity)), NOW_NS)


def reject(machine: TradeMachine, one: Submit) -> list[Action]:
    return refuse(machine, one.order, NOW_NS, RejectReason.CANNOT_FILL)


@pytest.mark.parametrize(("fate", "filled"), [(fill, Decimal("0.4")), (reject, Decimal(0))])
def test_a_schedule_that_always_has_more_ends_when_no_child_may_be_made(
    fate: Callable[[TradeMachine, Submit], list[Action]], filled: Decimal
) -> None:
    machine = new_machine(bounds=copy.replace(BOUNDS, children=4, attempts=1))
    iceberg = Iceberg(
        parent(lots=100),
        NOW_NS,
        MANDATE.deadline_ns,
        display=Decimal("0.2"),
        variance=Decimal(0),
        generator=random.Random(1),
    )
    waiting = deque(submits(machine.start(iceberg)))
    sent = 0
    while waiting:
        sent += 1
        waiting += submits(fate(machine, waiting.popleft()))
    assert sent == 4
    assert machine.book.filled == filled
    assert machine.book.finished is FinishReason.ATTEMPTS


def test_what_is_still_out_when_no_child_may_be_made_is_worked_to_its_end() -> None:
    machine = new_machine(bounds=copy.replace(BOUNDS, children=4))
    ends_ns = NOW_NS + 20 * SECOND_NS
    first = submits(machine.start(twap(parent(lots=100), NOW_NS, ends_ns, slices=4)))
    second = submits(machine.on_time(NOW_NS + 5 * SECOND_NS))
    assert (len(first), len(second)) == (2, 2)
    for one in first:
        fill(machine, one)
    assert machine.book.finished is None
    for one in second:
        fill(machine, one)
    assert machine.book.filled == Decimal("0.5")
    assert machine.book.finished is FinishReason.ATTEMPTS
