"""One order's updates in any order and number: the same fills, the same end, and typed faults for what cannot be."""

from __future__ import annotations

import copy
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.core.consensus.testing import NOW_NS
from noderr.exchanges.updates import (
    Accepted,
    Canceled,
    CancelRejected,
    Expired,
    Filled,
    OrderUpdate,
    Rejected,
    RejectReason,
)
from noderr.execution.actions import FaultKind
from noderr.execution.machine_testing import PARENT, AtVenue, fill_of
from noderr.execution.order_tracker import OrderTracker
from noderr.types.trading import OrderState, Side

ORDER = copy.replace(PARENT, client_order_id="o")
FILLS = tuple(
    copy.replace(fill_of(ORDER, "A", Decimal(part), number), price=Decimal(price))
    for number, (part, price) in enumerate([("0.2", "100"), ("0.3", "99"), ("0.1", "98.5")])
)
ACCEPTED = Accepted(client_order_id="o", venue_order_id="v", at_ns=NOW_NS)
CANCELED = Canceled(client_order_id="o", at_ns=NOW_NS)
REST = fill_of(ORDER, "A", Decimal("0.4"), 9)


def rejected(reason: RejectReason = RejectReason.NO_MARKET) -> Rejected:
    return Rejected(client_order_id="o", reason=reason, detail="no", at_ns=NOW_NS)


def state_of(order: OrderTracker) -> OrderState:
    return order.state


def tracker() -> OrderTracker:
    return OrderTracker(ORDER, "A")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([ACCEPTED, CANCELED, *(Filled(fill=fill) for fill in FILLS)]), max_size=12))
def test_whatever_comes_the_venues_answer_makes_it_exact(updates: list[OrderUpdate]) -> None:
    order = tracker()
    for update in updates:
        assert order.on_update(update).faults == ()
        assert not order.is_over, "its end may overtake its fills"
        assert order.filled + order.working == ORDER.quantity
    assert order.on_venue_order(AtVenue(ORDER, "A", OrderState.CANCELED, FILLS).said(NOW_NS)).faults == ()
    assert state_of(order) is OrderState.CANCELED
    assert set(order.fills.values()) == set(FILLS)
    assert order.filled == Decimal("0.6")
    assert order.average_price == Fraction(5955, 60)  # (0.2·100 + 0.3·99 + 0.1·98.5) / 0.6
    assert order.working == 0


def test_a_fill_may_overtake_the_acknowledgement_and_all_fills_are_the_end() -> None:
    order = tracker()
    order.on_update(Filled(fill=FILLS[0]))
    order.on_update(ACCEPTED)
    assert state_of(order) is OrderState.PARTIALLY_FILLED
    order.on_update(Filled(fill=copy.replace(REST, quantity=Decimal("0.8"))))
    assert state_of(order) is OrderState.FILLED
    for late in (ACCEPTED, CANCELED, rejected(), Filled(fill=FILLS[0])):
        assert order.on_update(late).faults == ()
    assert state_of(order) is OrderState.FILLED


def kinds(order: OrderTracker, update: OrderUpdate) -> list[FaultKind]:
    return [kind for kind, _ in order.on_update(update).faults]


def test_more_than_was_sent_counts_and_is_a_fault() -> None:
    order = tracker()
    order.on_update(Filled(fill=fill_of(ORDER, "A", Decimal(1), 1)))
    assert kinds(order, Filled(fill=REST)) == [FaultKind.OVERFILL]
    assert order.filled == Decimal("1.4")
    assert order.working == 0


def test_a_fill_after_the_end_counts_and_is_a_fault() -> None:
    order = tracker()
    order.on_update(rejected())
    assert state_of(order) is OrderState.REJECTED
    assert kinds(order, Filled(fill=REST)) == [FaultKind.LATE_FILL]
    assert order.filled == Decimal("0.4")
    assert kinds(order, ACCEPTED) == [FaultKind.CONTRADICTION]


@pytest.mark.parametrize("changes", [{"side": Side.SELL}, {"symbol": "ETH/USD"}, {"venue": "B"}])
def test_a_fill_of_another_order_does_not_count(changes: dict[str, object]) -> None:
    order = tracker()
    assert kinds(order, Filled(fill=copy.replace(REST, **changes))) == [FaultKind.FOREIGN]  # type: ignore[arg-type]
    assert order.filled == 0


def test_a_price_beyond_the_limit_and_one_id_for_two_fills_are_faults() -> None:
    order = tracker()
    assert kinds(order, Filled(fill=copy.replace(REST, price=Decimal("100.01")))) == [FaultKind.BEYOND_LIMIT]
    assert kinds(order, Filled(fill=REST)) == [FaultKind.CONTRADICTION]
    assert order.filled == Decimal("0.4")


@pytest.mark.parametrize(
    "update",
    [
        CANCELED,
        Expired(client_order_id="o", at_ns=NOW_NS),
        rejected(RejectReason.DUPLICATE_ID),
        CancelRejected(client_order_id="o", reason=RejectReason.TOO_LATE, detail="", at_ns=NOW_NS),
    ],
)
def test_what_does_not_say_all_has_to_be_asked_about(update: OrderUpdate) -> None:
    order = tracker()
    order.on_update(update)
    assert order.must_ask
    assert not order.is_over
    assert order.working == ORDER.quantity


def test_an_answer_older_than_what_is_known_ends_nothing() -> None:
    order = tracker()
    order.on_update(Filled(fill=FILLS[0]))
    order.on_update(Filled(fill=FILLS[1]))
    order.on_venue_order(AtVenue(ORDER, "A", OrderState.CANCELED, FILLS[:1]).said(NOW_NS))
    assert not order.is_over
    assert order.must_ask
    order.on_update(CANCELED)
    order.on_venue_order(AtVenue(ORDER, "A", OrderState.PARTIALLY_FILLED, FILLS[:2]).said(NOW_NS))
    assert order.must_ask
    order.on_venue_order(AtVenue(ORDER, "A", OrderState.CANCELED, FILLS[:2]).said(NOW_NS))
    assert state_of(order) is OrderState.CANCELED


def test_what_was_lost_sight_of_is_what_the_venue_says() -> None:
    order = tracker()
    order.lose_sight()
    assert state_of(order) is OrderState.UNKNOWN
    assert order.working == ORDER.quantity
    order.on_venue_order(AtVenue(ORDER, "A", OrderState.NEW).said(NOW_NS))
    assert state_of(order) is OrderState.NEW
    other = copy.replace(ORDER, quantity=Decimal(2))
    assert order.on_venue_order(AtVenue(other, "A", OrderState.NEW).said(NOW_NS)).faults[0][0] is FaultKind.FOREIGN
