from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from pathlib import Path

from noderr.market_data.live_market import LiveMarket, MarketName
from noderr.market_data.records import Known, Lost, Quote, Record
from noderr.market_data.replay import replay, stored_records
from noderr.market_data.store import MarketStore
from noderr.market_data.testing import SYMBOL, T0, VENUE, delta, gap, moment, quote, snapshot, trade
from noderr.utils import ManualClock


async def given_records(records: Sequence[Record]) -> AsyncIterator[Record]:
    for record in records:
        yield record


async def test_records_come_back_at_their_times_from_all_markets_in_order() -> None:
    clock = ManualClock(T0)
    told: list[tuple[int, str, Record]] = []

    async def sink(market: str, record: Record) -> None:
        told.append((clock.now_ns(), market, record))

    first: list[Record] = [Known(moment(0)), quote(0, "1", "2"), quote(7.000000001, "1", "3")]
    second: list[Record] = [Known(moment(0)), quote(3, "5", "6"), quote(90_000, "5", "7")]
    assert await replay({"b": given_records(first), "a": given_records(second)}, clock, sink) == 6
    assert [(at, market) for at, market, _ in told] == [
        (moment(0), "a"),
        (moment(0), "b"),
        (moment(0), "b"),
        (moment(3), "a"),
        (moment(7) + 1, "b"),
        (moment(90_000), "a"),
    ]
    assert [record for _, market, record in told if market == "b"] == first


async def test_a_clock_that_was_set_back_stands_still() -> None:
    clock = ManualClock(T0)
    seen: list[int] = []

    async def sink(_market: str, _record: Record) -> None:
        seen.append(clock.now_ns())

    await replay({"a": given_records([quote(5, "1", "2"), quote(2, "1", "2"), quote(6, "1", "2")])}, clock, sink)
    assert seen == [moment(5), moment(5), moment(6)]


async def test_sleepers_wake_between_records() -> None:
    import asyncio

    clock = ManualClock(T0)
    order: list[str] = []

    async def sleeper() -> None:
        await clock.sleep(4)
        order.append("woke")

    async def sink(_market: str, record: Record) -> None:
        order.append(str((record.received_ns - T0) // 1_000_000_000))

    task = asyncio.create_task(sleeper())
    await replay({"a": given_records([quote(1, "1", "2"), quote(9, "1", "2")])}, clock, sink)
    await task
    assert order == ["1", "woke", "9"]


async def test_what_a_market_said_is_what_its_replay_says(tmp_path: Path) -> None:
    market = LiveMarket(MarketName(VENUE, SYMBOL))
    store = MarketStore(tmp_path)
    following = (await store.resume("m")).number
    live: list[Record] = []
    events = (
        snapshot(0),
        delta(1, bids=((10_050, 2),)),
        delta(2, bids=((9_000, 2),)),
        trade(3, "100.7"),
        gap(4),
        trade(5, "100.8"),
        snapshot(6),
    )
    for event in events:
        records = market.take(event)
        await store.append("m", following, records)
        following += len(records)
        live += records
    clock, told = ManualClock(T0), []

    async def sink(_market: str, record: Record) -> None:
        told.append(record)

    await replay({"m": stored_records(store, "m")}, clock, sink)
    await store.close()
    assert told == live
    # A change behind the best prices is no record, and neither is a trade of an unknown time.
    assert [type(one).__name__ for one in told] == ["Known", "Quote", "Quote", "Print", "Lost", "Known", "Quote"]


def test_a_gap_is_recorded_once_and_never_before_what_is_recorded() -> None:
    market = LiveMarket(MarketName(VENUE, SYMBOL))
    assert market.take(gap(0)) == []
    market.take(snapshot(5))
    (lost,) = market.take(gap(3))
    assert isinstance(lost, Lost)
    assert lost.received_ns == moment(5)
    assert market.take(gap(6)) == []
    assert (market.gaps, market.book) == (1, None)


def test_a_clock_that_was_set_back_stops_the_record_until_it_has_passed_the_end() -> None:
    market = LiveMarket(MarketName(VENUE, SYMBOL))
    market.take(snapshot(5))
    (lost,) = market.take(delta(2, bids=((10_010, 1),)))
    assert (type(lost), lost.received_ns) == (Lost, moment(5))
    assert market.take(trade(3, "1")) == []
    assert market.take(delta(4.9, bids=((10_020, 1),))) == []
    known, quoted = market.take(delta(5, asks=((20_000, 1),)))
    assert (type(known), quoted) == (
        Known,
        Quote(moment(5), Decimal("100.2"), Decimal("0.001"), Decimal(101), Decimal("0.007")),
    )


def test_the_record_of_the_run_before_is_not_told_again_in_another_way() -> None:
    market = LiveMarket(MarketName(VENUE, SYMBOL), recorded_ns=moment(9))
    assert market.take(snapshot(5)) == []
    assert market.take(gap(6)) == []
    assert market.take(snapshot(7)) == []
    assert [type(one) for one in market.take(delta(9))] == [Known, Quote]


def test_a_book_that_is_sent_anew_ends_what_was_known() -> None:
    market = LiveMarket(MarketName(VENUE, SYMBOL))
    market.take(snapshot(1))
    assert [type(one).__name__ for one in market.take(snapshot(2))] == ["Lost", "Known", "Quote"]
