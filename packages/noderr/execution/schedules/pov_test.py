from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.execution.errors import ScheduleError
from noderr.execution.schedules.parent import Parent
from noderr.execution.schedules.pov import WINDOW_NS, Pov
from noderr.execution.schedules.testing import START_NS, fill_some, moment, parent, play, trade
from noderr.market_data.events import Trade


def pov(order: Parent, target: str = "0.1", maximum: str = "0.2", **changes: Any) -> Pov:
    return Pov(order, START_NS, moment(60), target=Decimal(target), maximum=Decimal(maximum), **changes)


def test_it_takes_its_share_of_what_is_traded() -> None:
    schedule = pov(parent(1000))
    assert schedule.on_start(START_NS) == []
    (first,) = schedule.on_trade(trade(1, 10))
    assert (first.quantity, first.until_ns) == (Decimal(1), moment(6))
    (second,) = schedule.on_trade(trade(2, 5))
    assert second.quantity == Decimal("0.5")
    assert schedule.working == Decimal("1.5")


def test_trades_at_once_are_one_decision() -> None:
    schedule = pov(parent(1000))
    schedule.on_start(START_NS)
    assert len(schedule.on_trade(trade(1, 10))) == 1
    assert schedule.on_trade(trade(1.02, 10)) == []
    assert schedule.on_trade(trade(1.04, 10)) == []
    assert schedule.next_time_ns == moment(1.1)
    assert [made.quantity for made in schedule.on_time(moment(1.1))] == [2]
    assert schedule.next_time_ns == moment(60)


def test_what_was_not_filled_is_not_made_up_for_in_one_blow() -> None:
    schedule = pov(parent(1000), target="0.1", maximum="0.15")
    schedule.on_start(START_NS)
    schedule.on_trade(trade(1, 40))
    schedule.on_over(1, moment(6))
    assert schedule.open == 10
    # 10 % of 60 is open to it, and 15 % of the 20 of the last seconds is the most.
    assert [made.quantity for made in schedule.on_trade(trade(7, 20))] == [3]


def test_trades_before_the_start_do_not_count() -> None:
    schedule = pov(parent(1000))
    schedule.on_start(START_NS)
    assert schedule.on_trade(trade(-0.5, 100)) == []
    assert [made.quantity for made in schedule.on_trade(trade(1, 10))] == [1]


def test_what_is_too_small_waits_for_more_volume() -> None:
    schedule = pov(parent(1000, least_lots=100))
    schedule.on_start(START_NS)
    assert schedule.on_trade(trade(1, 6)) == []
    assert [made.quantity for made in schedule.on_trade(trade(2, 6))] == [Decimal("1.2")]


def test_it_leaves_no_rest_that_is_too_small() -> None:
    schedule = pov(parent(100, least_lots=40))
    schedule.on_start(START_NS)
    assert [made.quantity for made in schedule.on_trade(trade(1, 7))] == [Decimal("0.6")]
    assert [made.quantity for made in schedule.on_trade(trade(2, 7))] == [Decimal("0.4")]


def test_it_ends_with_the_order_and_with_its_time() -> None:
    schedule = pov(parent(100))
    assert play(schedule, [trade(second, 8) for second in range(1, 50)]).quantities == [Decimal("0.8"), Decimal("0.2")]
    assert schedule.is_done
    assert schedule.open == 0
    quiet = pov(parent(100))
    assert play(quiet).quantities == []
    assert quiet.is_done
    assert quiet.open == 1


markets = st.lists(
    st.tuples(st.integers(0, 70_000), st.integers(1, 2000)).map(
        lambda one: trade(one[0] / 1000, Decimal(one[1]) / 100)
    ),
    max_size=40,
).map(lambda trades: sorted(trades, key=lambda one: one.received_ns))


@settings(max_examples=150, deadline=None)
@given(
    markets, st.integers(1, 100), st.integers(0, 99), st.integers(1, 600), st.integers(1, 30), st.integers(0, 1 << 32)
)
def test_its_share_is_never_above_what_it_may_be(
    trades: list[Trade], target: int, more: int, lots: int, least_lots: int, seed: int
) -> None:
    target_share, maximum = Decimal(target) / 100, Decimal(min(100, target + more)) / 100
    order = parent(lots, least_lots)
    schedule = pov(order, str(target_share), str(maximum))

    def volume(from_ns: int, to_ns: int) -> Decimal:
        return sum((one.quantity for one in trades if from_ns < one.received_ns <= to_ns), Decimal(0))

    def check() -> None:
        assert schedule.filled + schedule.working <= target_share * volume(START_NS - 1, schedule._now_ns)
        assert schedule.filled + schedule.working + schedule.open == order.order.quantity

    played = play(schedule, trades, fills=fill_some(seed), check=check)
    for at_ns, made in played.slices:
        assert made.quantity >= order.quantity_of(least_lots)
        assert at_ns < made.until_ns <= schedule.end_ns
        recent = [one.quantity for when, one in played.slices if at_ns - WINDOW_NS < when <= at_ns]
        assert sum(recent, Decimal(0)) <= maximum * volume(max(at_ns - WINDOW_NS, START_NS - 1), at_ns)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 500), st.integers(1, 100))
def test_with_volume_enough_all_is_executed(lots: int, target: int) -> None:
    order = parent(lots)
    schedule = pov(order, str(Decimal(target) / 100), "1")
    play(schedule, [trade(second, Decimal(lots) / target / 10 + 1) for second in range(1, 59)])
    assert schedule.filled == order.order.quantity
    assert schedule.is_done


@pytest.mark.parametrize(
    "changes",
    [
        {"target": "0"},
        {"target": "0.3"},
        {"maximum": "1.1"},
        {"target": "NaN"},
        {"window_ns": 0},
        {"decide_ns": -1},
    ],
)
def test_what_is_no_share_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ScheduleError):
        pov(parent(), **changes)
