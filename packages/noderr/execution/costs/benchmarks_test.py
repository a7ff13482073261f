from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.execution.costs.benchmarks import RecordedMarket
from noderr.execution.costs.figure import Insufficient
from noderr.execution.costs.testing import moment, printed, quote
from noderr.execution.errors import CostError
from noderr.market_data.records import Known, Lost, Record
from noderr.market_data.store import MarketStore

DAY: list[Record] = [
    Known(moment(0)),
    quote(0, "99", "101"),
    printed(1, "101", "2"),
    quote(2, "100", "103"),
    printed(3, "100", "1"),
    printed(3, "103", "1"),
    Lost(moment(6), "the connection was dropped", moment(5)),
    printed(7, "500"),
    Known(moment(10)),
    quote(10, "200", "202"),
    quote(11, None, "203"),
]


def market(until: float = 20) -> RecordedMarket:
    return RecordedMarket(DAY, moment(until))


def reason(price: object) -> str:
    assert isinstance(price, Insufficient)
    return price.reason


def test_the_mid_is_of_the_quote_that_stood() -> None:
    assert market().mid_at(moment(0)) == 100
    assert market().mid_at(moment(1.9)) == 100
    assert market().mid_at(moment(2)) == Decimal("101.5")
    assert market().mid_at(moment(5)) == Decimal("101.5")
    assert market().mid_at(moment(10.5)) == 201


def test_no_price_comes_from_a_gap_from_before_or_from_after() -> None:
    for seconds in (-1, 5.1, 6, 7, 9.9, 20.1):
        assert "gap" in reason(market().mid_at(moment(seconds)))
    assert "empty" in reason(market().mid_at(moment(12)))
    assert reason(market(until=5).mid_at(moment(11.5)))
    assert "no quote" in reason(RecordedMarket([Known(moment(0))], moment(5)).mid_at(moment(1)))
    assert reason(RecordedMarket([], moment(5)).mid_at(moment(1)))


def test_the_vwap_is_of_the_interval_and_never_across_a_gap() -> None:
    assert market().vwap(moment(0), moment(4)) == Decimal("101.25")
    assert market().vwap(moment(1), moment(1)) == 101
    assert market().vwap(moment(1.1), moment(3)) == Decimal("101.5")
    assert "nothing was traded" in reason(market().vwap(moment(1.5), moment(2)))
    for first, last in ((0, 6), (0, 11), (-1, 3), (7, 7), (12, 21)):
        assert "gap" in reason(market().vwap(moment(first), moment(last)))
    with pytest.raises(CostError):
        market().vwap(moment(2), moment(1))


def test_a_loss_that_is_found_late_takes_back_what_was_known() -> None:
    records = [*DAY, Lost(moment(30), "a number was missing", moment(4))]
    found = RecordedMarket(records, moment(40))
    assert found.mid_at(moment(4)) == Decimal("101.5")
    for seconds in (4.5, 10.5, 35):
        assert "gap" in reason(found.mid_at(moment(seconds)))


def test_a_record_that_begins_in_the_middle_is_unknown_unless_told() -> None:
    records: list[Record] = [quote(0, "99", "101"), printed(1, "100")]
    assert "gap" in reason(RecordedMarket(records, moment(5)).mid_at(moment(1)))
    assert RecordedMarket(records, moment(5), known_at_start=True).mid_at(moment(1)) == 100


def test_what_was_recorded_at_the_same_time_on_the_other_side_of_a_gap_does_not_count() -> None:
    outside: list[Record] = [quote(0, "1", "3"), printed(0, "1"), Known(moment(0))]
    assert "no quote" in reason(RecordedMarket(outside, moment(5)).mid_at(moment(0)))
    assert "nothing was traded" in reason(RecordedMarket(outside, moment(5)).vwap(moment(0), moment(1)))
    lost = Lost(moment(1), "the connection was dropped", moment(1))
    before = RecordedMarket([Known(moment(0)), quote(1, "1", "3"), lost, Known(moment(1))], moment(5))
    assert "no quote" in reason(before.mid_at(moment(1)))


def test_records_that_do_not_ascend_are_refused() -> None:
    with pytest.raises(CostError):
        RecordedMarket([printed(2, "1"), printed(1, "1")], moment(5))


async def test_what_the_store_wrote_is_read_again(tmp_path: Path) -> None:
    store = MarketStore(tmp_path)
    await store.append("kraken:BTC/USD", 1, DAY)
    records = [record for _, record in await store.read("kraken:BTC/USD")]
    await store.close()
    assert RecordedMarket(records, moment(20)).vwap(moment(0), moment(4)) == Decimal("101.25")


trades = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 10**7), st.integers(1, 10**5)), max_size=30)


@settings(deadline=None)
@given(trades, st.integers(0, 60), st.integers(0, 60))
def test_it_is_numpy_s_weighted_average(given: list[tuple[int, int, int]], first: int, length: int) -> None:
    given.sort(key=lambda one: one[0])
    records: list[Record] = [Known(moment(0))]
    records += [printed(at, str(Decimal(price) / 100), str(Decimal(size) / 1000)) for at, price, size in given]
    found = RecordedMarket(records, moment(200)).vwap(moment(first), moment(first + length))
    chosen = [(p, q) for at, p, q in given if first <= at <= first + length]
    if not chosen:
        assert "nothing was traded" in reason(found)
        return
    wanted = np.average([p / 100 for p, _ in chosen], weights=[q for _, q in chosen])
    assert isinstance(found, Decimal)
    assert float(found) == pytest.approx(float(wanted), rel=1e-12)


@settings(deadline=None, max_examples=400)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from("kqqx"), st.integers(0, 5)), max_size=25),
    st.integers(0, 40),
    st.integers(0, 10),
)
def test_a_second_walk_over_the_records_finds_the_same_mid(
    steps: list[tuple[int, str, int]], at: int, more: int
) -> None:
    """By brute force: known are the seconds that no loss took back, and the last quote since their `Known` stands."""
    records: list[Record] = []
    now = 0
    for wait, kind, back in steps:
        now += wait
        number = len(records)
        if kind == "k":
            records.append(Known(moment(now)))
        elif kind == "q":
            records.append(quote(now, str(100 + number), str(102 + number)))
        else:
            records.append(Lost(moment(now), "lost", moment(now - back)))
    known: Decimal | None = None
    stood = running = False
    for record in records:
        if record.received_ns > moment(at):
            break
        if isinstance(record, Known):
            known, running = known if running else None, True
        elif isinstance(record, Lost):
            running = False
        elif running:
            known = Decimal(101 + records.index(record))
    stood = running and known is not None
    end = max(moment(now + more), records[-1].received_ns) if records else 0
    after = [record for record in records if isinstance(record, Lost) and record.since_ns < moment(at)]
    taken_back = any(record.received_ns > moment(at) for record in after)
    found = RecordedMarket(records, moment(now + more)).mid_at(moment(at))
    if stood and not taken_back and moment(at) <= end:
        assert found == known
    elif isinstance(found, Decimal):
        # Only at the very moment of a loss: what was known through it was known at it.
        assert any(isinstance(record, Lost) and record.received_ns == moment(at) for record in records)
