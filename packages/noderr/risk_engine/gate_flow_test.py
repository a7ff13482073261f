"""The checks that look at what was approved before."""

from __future__ import annotations

from decimal import Decimal

from noderr.risk_engine import ReasonCode
from noderr.risk_engine.flow import Approved
from noderr.risk_engine.testing import NOW_NS, SECOND_NS, approved, codes, judge, open_order, order, reference

D = Decimal


def test_the_same_again_is_refused_until_the_window_is_over() -> None:
    flow = approved({})
    soon, later = NOW_NS + SECOND_NS - 1, NOW_NS + SECOND_NS
    assert codes(judge(flow=flow, now_ns=soon)) == {ReasonCode.DUPLICATE_ORDER}
    assert codes(judge({"limit_price": D("100.01")}, flow=flow, now_ns=soon)) == set()
    assert codes(judge({"number": 100}, flow=flow, now_ns=later)) == {ReasonCode.DUPLICATE_ID}
    assert codes(judge(flow=flow, now_ns=later)) == set()


def test_the_same_again_and_again_is_refused_for_an_hour() -> None:
    small = {"quantity": D("0.1")}
    flow = approved(*[small] * 5, at_ns=NOW_NS - 3_599 * SECOND_NS)
    assert codes(judge(small, flow=flow)) == {ReasonCode.REPEATED_ORDER}
    flow.forget(NOW_NS + SECOND_NS)
    assert len(flow) == 0
    assert flow.turnover == 0
    assert codes(judge(small, flow=flow)) == set()


def test_a_parent_has_so_many_children_and_no_more() -> None:
    family = [{"limit_price": D(100) + D(n) / 100, "quantity": D("0.1")} for n in range(20)]
    flow = approved(*family, at_ns=NOW_NS - 3_000 * SECOND_NS, parent="signal")
    child = {"quantity": D("0.1"), "limit_price": D(101)}
    assert codes(judge(child, flow=flow, parent="signal")) == {ReasonCode.TOO_MANY_CHILDREN}
    assert codes(judge(child, flow=flow, parent="another")) == set()
    assert codes(judge(child, flow=flow)) == set()


def test_rates() -> None:
    some = [{"limit_price": D(100) + D(n) / 100, "quantity": D("0.1")} for n in range(5)]
    assert codes(judge(flow=approved(*some))) == {ReasonCode.ORDERS_PER_SECOND}
    assert codes(judge(flow=approved(*some[:4]))) == set()
    many = [{"limit_price": D(100) + D(n) / 100, "quantity": D("0.1")} for n in range(60)]
    flow = approved(*many, at_ns=NOW_NS - 59 * SECOND_NS)
    assert codes(judge(flow=flow)) == {ReasonCode.ORDERS_PER_MINUTE}
    assert codes(judge(flow=flow, limited={"orders_per_minute": 61})) == set()


def test_a_rate_of_nothing_lets_nothing_pass() -> None:
    assert codes(judge(limited={"orders_per_second": 0})) == {ReasonCode.ORDERS_PER_SECOND}


def test_turnover() -> None:
    flow = approved({"quantity": D("99.001")}, at_ns=NOW_NS - 60 * SECOND_NS)
    assert codes(judge(flow=flow)) == {ReasonCode.TURNOVER}
    flow = approved({"quantity": D(99)}, at_ns=NOW_NS - 60 * SECOND_NS)
    assert codes(judge(flow=flow)) == set()


def test_what_was_approved_since_the_snapshot_counts_as_open() -> None:
    flow = approved({"quantity": D("9.5"), "limit_price": D(101)})
    assert codes(judge(flow=flow)) == {ReasonCode.SYMBOL_EXPOSURE}
    later = NOW_NS + 11 * SECOND_NS
    fresh = {"as_of_ns": later, "references": (reference(age_ns=-11 * SECOND_NS),)}
    # A snapshot of later knows what became of it.
    assert codes(judge({"created_at_ns": later}, flow=flow, portfolio=fresh, now_ns=later)) == set()


def test_what_was_approved_and_is_open_in_the_snapshot_counts_once() -> None:
    flow = approved({"quantity": D(9), "limit_price": D(101)})
    seen = {"open_orders": (open_order(client_order_id="a-0000100", quantity=D(9)),)}
    assert codes(judge(flow=flow, portfolio=seen)) == set()


def test_a_clock_that_is_set_back_forgets_nothing() -> None:
    flow = approved({}, {"limit_price": D(101)})
    flow.forget(NOW_NS - 1000 * SECOND_NS)
    flow.record(Approved(NOW_NS - 1000 * SECOND_NS, order(200), D(100), None))
    assert len(flow) == 3
    assert flow.count(NOW_NS - 1) == 3


def test_judging_changes_nothing() -> None:
    flow = approved({"quantity": D("0.1")})
    first = judge(flow=flow)
    assert judge(flow=flow) == first
    assert len(flow) == 1
