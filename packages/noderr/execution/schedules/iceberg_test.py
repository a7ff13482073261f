from __future__ import annotations

import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.execution.errors import ScheduleError
from noderr.execution.schedules.iceberg import Iceberg
from noderr.execution.schedules.parent import Parent
from noderr.execution.schedules.testing import START_NS, fill_some, moment, parent, play
from noderr.utils import seeded


def iceberg(order: Parent, display: str = "1", variance: str = "0.2", seed: int = 1) -> Iceberg:
    return Iceberg(
        order,
        START_NS,
        moment(3600),
        display=Decimal(display),
        variance=Decimal(variance),
        generator=seeded(seed, "iceberg"),
    )


def test_without_variance_each_part_is_what_is_to_show() -> None:
    assert play(iceberg(parent(350), variance="0")).quantities == [1, 1, 1, Decimal("0.5")]


def test_the_next_part_shows_when_the_last_is_filled_whole() -> None:
    schedule = iceberg(parent(300), variance="0")
    (first,) = schedule.on_start(START_NS)
    assert schedule.on_fill(1, Decimal("0.4"), moment(1)) == []
    assert schedule.on_time(moment(2)) == []
    (second,) = schedule.on_fill(1, Decimal("0.6"), moment(3))
    assert (first.until_ns, second.number, second.quantity) == (moment(3600), 2, Decimal(1))


def test_what_is_over_shows_again() -> None:
    schedule = iceberg(parent(100), variance="0")
    schedule.on_start(START_NS)
    schedule.on_fill(1, Decimal("0.4"), moment(1))
    assert [made.quantity for made in schedule.on_over(1, moment(2))] == [Decimal("0.6")]


def test_sizes_are_spread_evenly_over_the_variance() -> None:
    sizes = [float(quantity) for quantity in play(iceberg(parent(200_000))).quantities[:-1]]
    assert len(sizes) > 1900
    assert min(sizes) < 0.81
    assert max(sizes) > 1.18
    assert sum(sizes) / len(sizes) == pytest.approx(1, abs=0.02)  # A lot is 0.01 and is rounded down.


def test_one_seed_gives_one_order_of_parts() -> None:
    first, second, other = (play(iceberg(parent(2000), seed=seed)).quantities for seed in (1, 1, 2))
    assert first == second != other


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 800),
    st.integers(1, 20),
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(0, 1 << 32),
    st.booleans(),
)
def test_it_never_shows_more_than_it_may(
    lots: int, least_lots: int, more: int, variance: int, seed: int, all_filled: bool
) -> None:
    share = Decimal(variance) / 100
    display = Decimal("0.01") * (-(-least_lots * 100 // (100 - variance)) + more)
    order = parent(lots, least_lots)
    schedule = iceberg(order, str(display), str(share), seed)

    def check() -> None:
        assert schedule.working <= display * (1 + share)
        assert schedule.filled + schedule.working + schedule.open == order.order.quantity

    if all_filled:
        played = play(schedule, check=check)
        assert schedule.filled + schedule.unsendable == order.order.quantity
        if display * (1 + share) >= 2 * order.quantity_of(least_lots):
            assert schedule.filled == order.order.quantity or lots < least_lots
    else:
        played = play(schedule, fills=fill_some(seed), check=check)
    assert all(quantity >= order.quantity_of(least_lots) for quantity in played.quantities)


@pytest.mark.parametrize(
    ("display", "variance"), [("0", "0.2"), ("NaN", "0.2"), ("1", "1"), ("1", "-0.1"), ("1", "NaN"), ("0.12", "0.2")]
)
def test_what_cannot_show_is_refused(display: str, variance: str) -> None:
    with pytest.raises(ScheduleError):
        iceberg(parent(1000, least_lots=10), display, variance)


def test_its_randomness_is_what_was_handed_in() -> None:
    state = random.getstate()
    play(iceberg(parent(500)))
    assert random.getstate() == state
