from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.execution.errors import ScheduleError
from noderr.execution.schedules.testing import SECOND_NS, START_NS, fill_some, parent, play, trade
from noderr.execution.schedules.vwap import BUCKET_NS, Vwap
from noderr.market_data.events import Trade

MINUTE = BUCKET_NS // SECOND_NS


def usual(volumes: list[Decimal], factor: Decimal = Decimal(1)) -> list[Trade]:
    """A market that trades `factor` of its usual volume in each bucket, in two trades."""
    return [
        trade(MINUTE * (number + at), volume * factor / 2)
        for number, volume in enumerate(volumes)
        for at in (0.25, 0.75)
        if volume
    ]


def decimals(*numbers: int | str) -> list[Decimal]:
    return [Decimal(number) for number in numbers]


def test_parts_follow_the_curve() -> None:
    volumes = decimals(100, 50, 25, 25)
    played = play(Vwap(parent(1000), START_NS, volumes), usual(volumes))
    assert played.quantities == decimals("5", "2.5", "1.25", "1.25")
    assert [at_ns for at_ns, _ in played.slices] == [START_NS + BUCKET_NS * number for number in range(4)]


def test_a_share_of_the_usual_volume_is_the_most() -> None:
    schedule = Vwap(parent(1000), START_NS, decimals(40, 20, 10, 10))
    played = play(schedule, usual(decimals(40, 20, 10, 10)))
    assert played.quantities == decimals(4, 2, 1, 1)
    assert schedule.open == 2


def test_where_the_market_is_slow_less_is_sent_and_where_it_is_busy_no_more_than_planned() -> None:
    volumes = decimals(100, 100, 100, 100)
    slow = play(Vwap(parent(4000), START_NS, volumes), usual(volumes, Decimal("0.5")))
    # 10 % of the first hundred; then of 50 traded and 50 to come: not before these are there.
    assert slow.quantities == decimals(10, 5, 5)
    assert play(Vwap(parent(4000), START_NS, volumes), usual(volumes, Decimal(3))).quantities == decimals(
        10, 10, 10, 10
    )


def test_without_trades_it_stops_after_the_first_bucket() -> None:
    schedule = Vwap(parent(4000), START_NS, decimals(100, 100, 100, 100))
    assert play(schedule).quantities == decimals(10)
    assert schedule.open == 30


def test_buckets_without_volume_get_nothing() -> None:
    volumes = decimals(0, 100, 0, 100, 0)
    schedule = Vwap(parent(1000), START_NS, volumes)
    played = play(schedule, usual(volumes))
    assert [at_ns - START_NS for at_ns, _ in played.slices] == [BUCKET_NS, 3 * BUCKET_NS]
    assert played.quantities == decimals(5, 5)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 50).map(Decimal), min_size=1, max_size=15).filter(any), st.integers(1, 2000))
def test_it_follows_the_curve_within_a_lot_a_bucket(volumes: list[Decimal], lots: int) -> None:
    order = parent(lots)
    total = sum(volumes)
    schedule = Vwap(order, START_NS, [volume * 1000 for volume in volumes])
    sent = {at_ns: made.quantity for at_ns, made in play(schedule, usual([v * 1000 for v in volumes])).slices}
    for number, volume in enumerate(volumes):
        planned = order.order.quantity * volume / total
        assert abs(sent.get(START_NS + BUCKET_NS * number, Decimal(0)) - planned) < Decimal("0.0100001")
    assert schedule.filled == order.order.quantity


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 20).map(Decimal), min_size=1, max_size=8).filter(any),
    st.lists(st.tuples(st.integers(0, 500), st.integers(1, 900)), max_size=25),
    st.sampled_from(["0.01", "0.1", "0.5", "1"]),
    st.integers(1, 9),
    st.integers(0, 1 << 32),
)
def test_its_share_is_never_above_the_cap(
    volumes: list[Decimal], trades: list[tuple[int, int]], participation: str, least_lots: int, seed: int
) -> None:
    order = parent(2000, least_lots)
    schedule = Vwap(order, START_NS, volumes, participation=Decimal(participation))
    market = [trade(second, Decimal(lots) / 100) for second, lots in sorted(trades)]
    played = play(schedule, market, fills=fill_some(seed))
    for at_ns, made in played.slices:
        assert made.quantity >= order.quantity_of(least_lots)
        bucket = (at_ns - START_NS) // BUCKET_NS
        traded = sum((one.quantity for one in market if one.received_ns <= at_ns), Decimal(0))
        most = Fraction(participation) * Fraction(traded + volumes[bucket])
        # All that was handed out is more than what is filled and works: the rest came back.
        filled_or_works = sum((one.quantity for when, one in played.slices if when == at_ns), Decimal(0))
        assert filled_or_works <= most
    traded = sum((one.quantity for one in market if one.received_ns < schedule.end_ns), Decimal(0))
    assert schedule.filled <= Decimal(participation) * (traded + max(volumes))
    assert schedule.filled + schedule.open == order.order.quantity


@pytest.mark.parametrize(
    "changes",
    [
        {"volumes": []},
        {"volumes": decimals(0, 0)},
        {"volumes": decimals(1, -1)},
        {"volumes": decimals(1, "NaN")},
        {"volumes": decimals(1, "Infinity")},
        {"bucket_ns": 0},
        {"participation": Decimal(0)},
        {"participation": Decimal("1.1")},
        {"participation": Decimal("NaN")},
    ],
)
def test_what_is_no_curve_or_share_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ScheduleError):
        Vwap(parent(), START_NS, **{"volumes": decimals(1), **changes})  # type: ignore[arg-type]
