from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noderr.market_data.errors import StoreGapError, StoreOrderError
from noderr.market_data.records import Known, Lost, Print, Quote, Record
from noderr.market_data.store import FILE_NAME, MarketStore, PriceRange
from noderr.market_data.testing import moment, quote

MARKET = "kraken:BTC/USD"
FAR = moment(1e6)


def known(at: float) -> Known:
    return Known(moment(at))


def lost(at: float) -> Lost:
    return Lost(moment(at), "dropped", moment(at))


def printed(at: float, price: str) -> Print:
    return Print(moment(at), moment(at), Decimal(price), Decimal(1), "buy", None)


@contextlib.asynccontextmanager
async def opened(folder: Path, *records: Record, keep: int = 1000) -> AsyncIterator[MarketStore]:
    store = MarketStore(folder, keep)
    try:
        if records:
            await store.append(MARKET, (await store.resume(MARKET)).number, records)
        yield store
    finally:
        await store.close()


async def range_of(store: MarketStore, start: float, end: float, known_until: float = 1e6) -> PriceRange | None:
    return await store.price_range(MARKET, moment(start), moment(end), moment(known_until))


CALM = (
    known(0),
    quote(0, "99", "101"),
    printed(1, "100"),
    quote(5, "98", "100"),
    printed(9, "97"),
    quote(20, "90", "91"),
)


async def test_what_was_written_is_read_in_order(tmp_path: Path) -> None:
    async with opened(tmp_path, *CALM) as store:
        assert await store.read(MARKET) == list(enumerate(CALM, 1))
        assert await store.read(MARKET, first=3, limit=2) == [(3, CALM[2]), (4, CALM[3])]
        assert await store.read("kraken:ETH/USD") == []


@pytest.mark.parametrize("first", [1, 6, 8, 0])
async def test_a_record_twice_or_out_of_order_is_refused_and_nothing_is_written(tmp_path: Path, first: int) -> None:
    async with opened(tmp_path, *CALM) as store:
        with pytest.raises(StoreGapError, match="record 7 comes next"):
            await store.append(MARKET, first, [known(30), quote(30, "1", "2")])
        assert len(await store.read(MARKET)) == 6


async def test_a_hole_in_the_file_is_found(tmp_path: Path) -> None:
    async with opened(tmp_path, *CALM):
        pass
    with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        connection.execute("DELETE FROM records WHERE seq = 3")
        connection.commit()
    async with opened(tmp_path) as store:
        with pytest.raises(StoreGapError, match="record 3 comes next, not 4"):
            await store.read(MARKET)
        assert await range_of(store, 0.5, 6) is None


async def test_a_range_holds_the_quote_that_stood_and_all_that_came(tmp_path: Path) -> None:
    async with opened(tmp_path, *CALM) as store:
        assert await range_of(store, 0.5, 2) == PriceRange(Decimal(99), Decimal(101))
        assert await range_of(store, 4, 6) == PriceRange(Decimal(98), Decimal(101))
        assert await range_of(store, 6, 12) == PriceRange(Decimal(97), Decimal(100))
        # Nothing came in this time: the quote stood. A trade before it does not count.
        assert await range_of(store, 10, 12) == PriceRange(Decimal(98), Decimal(100))
        assert await range_of(store, 5, 5) == PriceRange(Decimal(98), Decimal(101))


async def test_before_the_first_record_nothing_is_known(tmp_path: Path) -> None:
    async with opened(tmp_path, *CALM) as store:
        assert await range_of(store, -5, 1) is None
        assert await range_of(store, -5, -4) is None
        assert await store.price_range("kraken:ETH/USD", moment(0), moment(1), FAR) is None


async def test_after_the_last_record_only_what_is_said_to_be_known_counts(tmp_path: Path) -> None:
    async with opened(tmp_path, *CALM) as store:
        assert await range_of(store, 18, 25, known_until=24.9) is None
        assert await range_of(store, 18, 25, known_until=25) == PriceRange(Decimal(90), Decimal(100))
        # What came later shows that it was known until then.
        assert await range_of(store, 12, 15, known_until=0) == PriceRange(Decimal(98), Decimal(100))


@pytest.mark.parametrize(("start", "end"), [(2, 4), (1, 2.5), (3.5, 3.8), (2.9, 3), (3.5, 4.5), (3, 9)])
async def test_a_gap_hides_prices_so_nothing_is_said(tmp_path: Path, start: float, end: float) -> None:
    records = (
        known(0),
        quote(0, "99", "101"),
        printed(1, "100"),
        lost(2),
        known(4),
        quote(4, "50", "51"),
        quote(8, "49", "51"),
    )
    async with opened(tmp_path, *records) as store:
        assert await range_of(store, start, end) is None
        assert await range_of(store, 4.5, 6) == PriceRange(Decimal(50), Decimal(51))
        assert await range_of(store, 0.5, 1.9) == PriceRange(Decimal(99), Decimal(101))


async def test_what_was_recorded_after_the_last_that_was_right_does_not_count(tmp_path: Path) -> None:
    found_late = Lost(moment(9), "trade 7 comes next", moment(3))
    async with opened(tmp_path, known(0), quote(0, "1", "2"), quote(5, "1", "3"), found_late, known(12)) as store:
        assert await range_of(store, 1, 3) == PriceRange(Decimal(1), Decimal(2))
        assert await range_of(store, 1, 3.1) is None
        assert await range_of(store, 4, 4.5) is None
        assert await range_of(store, 6, 8) is None


async def test_an_empty_side_is_no_band(tmp_path: Path) -> None:
    one_sided = Quote(moment(5), None, None, Decimal(3), Decimal(1))
    async with opened(tmp_path, known(0), quote(0, "1", "2"), one_sided, quote(9, "1", "2")) as store:
        assert await range_of(store, 4, 6) is None
        assert await range_of(store, 6, 7) is None
        assert await range_of(store, 1, 2) == PriceRange(Decimal(1), Decimal(2))


async def test_a_node_that_ended_without_a_word_knew_nothing_after_its_last_record(tmp_path: Path) -> None:
    async with opened(tmp_path, *CALM):
        pass
    async with opened(tmp_path, known(60), quote(60, "80", "81")) as store:
        numbered = await store.read(MARKET, first=7)
        assert [(seq, type(record)) for seq, record in numbered] == [(7, Lost), (8, Known), (9, Quote)]
        assert await range_of(store, 21, 22) is None
        assert await range_of(store, 61, 62) == PriceRange(Decimal(80), Decimal(81))


async def test_the_oldest_are_forgotten_and_the_rest_has_no_hole(tmp_path: Path) -> None:
    async with opened(tmp_path, known(0), *[quote(at, str(at), str(at + 1)) for at in range(1, 50)], keep=10) as store:
        assert [seq for seq, _ in await store.read(MARKET)] == list(range(41, 51))
        assert await range_of(store, 2, 3) is None
        assert await range_of(store, 45, 45.5) == PriceRange(Decimal(44), Decimal(46))


async def test_a_record_that_is_earlier_than_the_last_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path, *CALM) as store:
        with pytest.raises(StoreOrderError, match="record 8 is of"):
            await store.append(MARKET, 7, [quote(30, "1", "2"), quote(29, "1", "2")])
        assert (await store.resume(MARKET)).received_ns == moment(20)


class Reference:
    """The same question, answered by walking through everything."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = records

    def range(self, start: int, end: int, known_until: int) -> PriceRange | None:
        standing: Quote | None = None
        is_known = False
        for record in (one for one in self.records if one.received_ns < start):
            is_known = isinstance(record, Known) or (is_known and not isinstance(record, Lost))
            standing = record if isinstance(record, Quote) else (standing if is_known else None)
        within = [one for one in self.records if start <= one.received_ns <= end]
        later = any(one.received_ns > end for one in self.records)
        if not is_known or standing is None or any(isinstance(one, Lost) for one in within):
            return None
        if not later and known_until < end:
            return None
        prices = [one.price for one in within if isinstance(one, Print)]
        for one in [standing, *within]:
            if isinstance(one, Quote) and one.bid is not None and one.ask is not None:
                prices += [one.bid, one.ask]
        return PriceRange(min(prices), max(prices))


STEPS = st.lists(st.tuples(st.sampled_from("qqqtx"), st.integers(0, 3), st.integers(1, 40)), min_size=1, max_size=25)


def story(steps: list[tuple[str, int, int]]) -> list[Record]:
    """Records as `LiveMarket` makes them: what is known begins with a quote."""
    records: list[Record] = []
    at, is_known = 0, False
    for kind, pause, price in steps:
        at += pause
        if kind == "x":
            if is_known:
                records.append(lost(at))
            is_known = False
            continue
        if not is_known:
            records += [known(at), quote(at, str(price), str(price + 1))]
            is_known = True
        records.append(printed(at, str(price)) if kind == "t" else quote(at, str(price), str(price + 1)))
    return records


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS, st.integers(-1, 30), st.integers(0, 8), st.integers(0, 60))
async def test_ranges_are_those_of_a_plain_walk(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int]], start: int, length: int, until: int
) -> None:
    records = story(steps)
    async with opened(tmp_path_factory.mktemp("store"), *records) as store:
        found = await range_of(store, start, start + length, until)
    assert found == Reference(records).range(moment(start), moment(start + length), moment(until))
