"""Schedules by time: TWAP, VWAP and the trajectory of Almgren and Chriss."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.execution.errors import ScheduleError
from noderr.execution.schedules.implementation_shortfall import implementation_shortfall
from noderr.execution.schedules.parent import Parent
from noderr.execution.schedules.plan import PlannedSchedule, plan
from noderr.execution.schedules.testing import START_NS, fill_all, fill_some, moment, parent, play
from noderr.execution.schedules.twap import twap

DAY_S = 86_400
COSTS = {"sigma": 0.95, "eta": 2.5e-6, "gamma": 2.5e-7, "risk_aversion": 1e-6}


def test_twap_sends_equal_parts_at_equal_intervals() -> None:
    played = play(twap(parent(1000), START_NS, moment(600)))
    assert played.quantities == [Decimal(1)] * 10
    assert [at_ns for at_ns, _ in played.slices] == [moment(60 * number) for number in range(10)]
    assert [made.until_ns for _, made in played.slices] == [moment(60 * number) for number in range(1, 11)]


def test_twap_in_lots_is_never_ahead_and_the_last_takes_the_remainder() -> None:
    played = play(twap(parent(10), START_NS, moment(300), 3))
    assert played.quantities == [Decimal("0.03"), Decimal("0.03"), Decimal("0.04")]


def test_slices_that_are_too_small_wait_for_the_next() -> None:
    played = play(twap(parent(100, least_lots=15), START_NS, moment(100)))
    assert played.quantities == [Decimal("0.20")] * 5
    assert [at_ns for at_ns, _ in played.slices] == [moment(second) for second in (10, 30, 50, 70, 90)]
    # 33, 33, 34 and a minimum of 34: the second would leave 34 just so, the third is large enough.
    assert play(twap(parent(100, least_lots=34), START_NS, moment(90), 3)).quantities == [
        Decimal("0.66"),
        Decimal("0.34"),
    ]
    # What would leave less than a minimum leaves just that.
    assert play(twap(parent(100, least_lots=40), START_NS, moment(90), 3)).quantities == [
        Decimal("0.60"),
        Decimal("0.40"),
    ]


def test_the_paper_s_example_as_a_schedule() -> None:
    """X = 1e6 shares in 5 days of 24 h, in lots of one."""
    order = parent(1_000_000, lot="1")
    schedule = implementation_shortfall(order, START_NS, moment(5 * DAY_S), 5, **COSTS)
    assert play(schedule).quantities == [458_044, 252_101, 141_957, 85_756, 62_142]
    # What is left is rounded up here, and to the nearest in the paper.
    assert [step.lots_after for step in schedule.steps] == pytest.approx([541_956, 289_854, 147_897, 62_142, 0], abs=1)


def test_the_trajectory_without_risk_aversion_is_twap() -> None:
    order = parent(1_000_000, lot="1")
    schedule = implementation_shortfall(order, START_NS, moment(5 * DAY_S), 5, **{**COSTS, "risk_aversion": 0.0})
    by_time = twap(order, START_NS, moment(5 * DAY_S), 5)
    assert [step.lots_after for step in schedule.steps] == pytest.approx(
        [step.lots_after for step in by_time.steps], abs=1
    )


@pytest.mark.parametrize(
    ("seconds", "left"),
    [
        ([0], [1]),
        ([0, 1], [1]),
        ([0, 1], [1, Fraction(1, 2)]),
        ([0, 1], [Fraction(1, 2), 0]),
        ([0, 1, 2, 3], [1, Fraction(1, 2), Fraction(2, 3), 0]),
        ([0, 2, 2], [1, Fraction(1, 2), 0]),
    ],
)
def test_a_plan_that_is_none_is_refused(seconds: list[int], left: list[Any]) -> None:
    with pytest.raises(ScheduleError):
        plan(parent(), [moment(second) for second in seconds], [Fraction(share) for share in left])


@st.composite
def planned(draw: st.DrawFn) -> tuple[Parent, list[Fraction], PlannedSchedule]:
    order = parent(draw(st.integers(1, 500)), draw(st.sampled_from([1, 1, 2, 7, 40])))
    weights = draw(st.lists(st.integers(0, 20), min_size=1, max_size=12).filter(any))
    done = [Fraction(sum(weights[:number]), sum(weights)) for number in range(len(weights) + 1)]
    left = [1 - share for share in done]
    times = [moment(10 * number) for number in range(len(left))]
    return order, left, PlannedSchedule(order, plan(order, times, left))


@settings(max_examples=150, deadline=None)
@given(planned())
def test_where_all_is_filled_the_plan_is_kept_to_the_lot_and_the_minimum(
    given: tuple[Parent, list[Fraction], PlannedSchedule],
) -> None:
    order, left, schedule = given
    played = play(schedule)
    least = order.least_lots
    sent = dict.fromkeys(range(len(left) - 1), 0)
    for at_ns, made in played.slices:
        lots = order.lots_in(made.quantity)
        assert lots >= least
        assert order.quantity_of(lots) == made.quantity
        sent[(at_ns - START_NS) // 10_000_000_000] += lots
    total = 0
    for number, share in enumerate(left[1:]):
        total += sent[number]
        wanted = order.lots * (1 - share)
        # Never ahead; behind by what the rounding and the minimum of this slice and of the last make.
        assert wanted - 2 * (least - 1) - 1 < total <= wanted or total == order.lots
    if order.lots >= least:
        assert schedule.filled == order.order.quantity
        assert schedule.open == 0
    else:
        assert schedule.unsendable == order.order.quantity
        assert not played.slices


@settings(max_examples=150, deadline=None)
@given(planned(), st.integers(0, 1 << 32), st.sampled_from([1_000_000, 9_999_999_999, 10_000_000_000, 25_000_000_000]))
def test_whatever_is_filled_it_is_never_more_than_the_order_nor_less_than_a_minimum(
    given: tuple[Parent, list[Fraction], PlannedSchedule], seed: int, fill_after_ns: int
) -> None:
    order, _, schedule = given
    before = Decimal(0)

    def check() -> None:
        nonlocal before
        assert schedule.filled + schedule.working + schedule.open == order.order.quantity
        assert before <= schedule.filled <= order.order.quantity
        before = schedule.filled

    played = play(schedule, fills=fill_some(seed), fill_after_ns=fill_after_ns, check=check)
    assert all(quantity >= order.quantity_of(order.least_lots) for quantity in played.quantities)
    assert schedule.working == 0
    again = PlannedSchedule(order, schedule.steps)
    assert play(again, fills=fill_some(seed), fill_after_ns=fill_after_ns) == played, "the same inputs, the same slices"


@settings(max_examples=60, deadline=None)
@given(planned(), st.integers(0, 11))
def test_after_a_slice_that_was_not_filled_the_rest_keeps_its_proportions(
    given: tuple[Parent, list[Fraction], PlannedSchedule], missed: int
) -> None:
    order, _, schedule = given
    steps = schedule.steps

    def fills(made: Any) -> Decimal:
        return Decimal(0) if made.number == missed + 1 else fill_all(made)

    played = play(schedule, fills=fills)
    sent = {at_ns: order.lots_in(made.quantity) for at_ns, made in played.slices}
    if missed >= len(played.slices):
        return
    missed_ns = played.slices[missed][0]
    rest = [step for step in steps if step.at_ns > missed_ns and step.lots_before]
    if not rest:  # It is sent again as a whole, where there is a step left.
        again = sum(order.lots_in(made.quantity) for at_ns, made in played.slices if at_ns > missed_ns)
        assert again == (order.lots_in(played.slices[missed][1].quantity) if steps[-1].at_ns > missed_ns else 0)
        return
    lots_back = rest[0].lots_before + order.lots_in(played.slices[missed][1].quantity)
    total = 0
    for step in rest:
        total += sent.get(step.at_ns, 0)
        wanted = Fraction(lots_back * (rest[0].lots_before - step.lots_after), rest[0].lots_before)
        assert abs(total - wanted) <= len(rest)
