"""Frames as Binance documents them; those of real markets are in `tests/recordings`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from noderr.data_connectors.binance import BinanceSession, stream_path
from noderr.data_connectors.session import Output, Reconnect, Resync
from noderr.data_connectors.testing_frames import (
    binance_depth,
    binance_frame,
    binance_snapshot,
    binance_ticker,
    binance_trade,
)
from noderr.market_data.events import BookDelta, BookSnapshot, Duplicate, Gap, Trade

SYMBOL = "BTC/USDT"


def kinds(outputs: list[Output]) -> list[type]:
    return [type(output) for output in outputs]


def live(**options: Any) -> BinanceSession:
    """Synchronised to update 12."""
    session = BinanceSession([SYMBOL], **options)
    session.open()
    assert session.on_frame(binance_depth(9, 11), 1) == [Resync(SYMBOL)]
    assert session.waiting() == [SYMBOL]
    assert session.on_frame(binance_depth(12, 12, bids=[["100.5", "4"]]), 2) == []
    (told,) = session.on_snapshot(SYMBOL, binance_snapshot(11), 3)
    assert isinstance(told, BookSnapshot)
    assert (told.sequence, told.bids[0], told.asks) == (
        12,
        (10_050_000_000, 400_000_000),
        ((10_100_000_000, 300_000_000),),
    )
    assert session.waiting() == []
    return session


def test_the_streams_are_named_in_the_address() -> None:
    assert stream_path([SYMBOL, "ETH/BTC"]) == (
        "/stream?streams=btcusdt@depth@100ms/btcusdt@bookTicker/btcusdt@aggTrade"
        "/ethbtc@depth@100ms/ethbtc@bookTicker/ethbtc@aggTrade"
    )


def test_updates_follow_one_another() -> None:
    session = live()
    (delta,) = session.on_frame(binance_depth(13, 15, asks=[["101", "0"], ["102", "1"]]), 5)
    assert isinstance(delta, BookDelta)
    assert (delta.sequence, delta.asks) == (15, ((10_100_000_000, 0), (10_200_000_000, 100_000_000)))
    assert (delta.event_ns, delta.received_ns) == (1_633_998_512_068_000_000, 5)


def test_a_hole_is_a_gap_since_the_last_good_update_and_a_new_snapshot_heals_it() -> None:
    session = live()
    session.on_frame(binance_depth(13, 13), 5)
    gap, resync = session.on_frame(binance_depth(15, 16, bids=[["98", "1"]]), 9)
    assert isinstance(gap, Gap)
    assert (gap.received_ns, gap.reason) == (5, "update 14 comes next, Binance sent 15 to 16")
    assert resync == Resync(SYMBOL)
    # The snapshot may be older than the update that showed the hole: that update is kept.
    (told,) = session.on_snapshot(SYMBOL, binance_snapshot(14), 10)
    assert isinstance(told, BookSnapshot)
    assert (told.sequence, len(told.bids)) == (16, 3)


def test_an_update_twice_is_told_and_one_that_never_was_is_a_gap() -> None:
    session = live()
    session.on_frame(binance_depth(13, 14), 5)
    assert kinds(session.on_frame(binance_depth(13, 14), 6)) == [Duplicate]
    assert kinds(session.on_frame(binance_depth(10, 13), 7)) == [Gap, Resync]


def test_a_number_that_ran_ahead_does_not_silence_the_stream() -> None:
    session = live()
    session.on_frame(binance_depth(13, 99_999), 5)  # A damaged digit.
    assert kinds(session.on_frame(binance_depth(15, 16), 6)) == [Gap, Resync]


def test_what_the_snapshot_has_is_dropped_and_the_first_may_begin_before_it() -> None:
    session = BinanceSession([SYMBOL])
    session.open()
    session.on_frame(binance_depth(1, 2), 1)
    (told,) = session.on_snapshot(SYMBOL, binance_snapshot(10), 2)
    assert isinstance(told, BookSnapshot)
    assert session.on_frame(binance_depth(3, 5), 3) == []
    assert kinds(session.on_frame(binance_depth(9, 12), 4)) == [BookDelta]
    assert kinds(session.on_frame(binance_depth(12, 13), 5)) == [Gap, Resync]


@pytest.mark.parametrize(
    "body",
    [
        binance_snapshot(5),
        b"",
        b"{}",
        b'{"code":-1121,"msg":"Invalid symbol."}',
        binance_snapshot(20).replace(b'"99"', b'"100"'),
    ],
)
def test_a_snapshot_that_does_not_serve_is_asked_for_again(body: bytes) -> None:
    session = BinanceSession([SYMBOL])
    session.open()
    session.on_frame(binance_depth(9, 11), 1)
    assert session.on_snapshot(SYMBOL, body, 2) == [Resync(SYMBOL)]
    assert kinds(session.on_snapshot(SYMBOL, binance_snapshot(8), 3)) == [BookSnapshot]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(("size", "agrees"), [("4.00000000", True), ("4.1", False)])
def test_the_ticker_of_the_same_update_has_to_agree(before: bool, size: str, agrees: bool) -> None:
    said = binance_ticker(13, "100.5", size, "101", "3")
    for check in (True, False):
        session = live(check=check)
        frames = [said, binance_depth(13, 13)] if before else [binance_depth(13, 13), said]
        outputs = [output for payload in frames for output in session.on_frame(payload, 5)]
        gaps = [] if before else [BookDelta]
        expected = [BookDelta] if agrees or not check else [*gaps, Gap, Resync]
        assert kinds(outputs) == expected


def test_a_ticker_of_another_update_says_nothing() -> None:
    assert live().on_frame(binance_ticker(14, "1", "1", "2", "1"), 5) == []


def test_a_crossed_book_is_no_book() -> None:
    gap, _ = live().on_frame(binance_depth(13, 13, bids=[["101", "1"]]), 5)
    assert isinstance(gap, Gap)
    assert "crossed" in gap.reason


def test_trades_are_numbered_and_a_missing_one_is_a_gap_since_the_trade_before() -> None:
    session = live()
    (first,) = session.on_frame(binance_trade(7), 4)
    assert isinstance(first, Trade)
    assert (first.price, first.quantity, first.taker, first.trade_id) == (
        Decimal("100.5"),
        Decimal("0.25"),
        "sell",
        "7",
    )
    assert (first.event_ns, first.received_ns, first.symbol) == (1_633_998_512_070_000_000, 4, SYMBOL)
    assert kinds(session.on_frame(binance_trade(7), 5)) == [Duplicate]
    assert kinds(session.on_frame(binance_depth(13, 13), 6)) == [BookDelta]
    gap, _ = session.on_frame(binance_trade(9), 8)
    assert isinstance(gap, Gap)
    assert gap.received_ns == 4


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"garbage",
        b"\xff",
        b"[]",
        b'{"stream":"btcusdt@depth@100ms"}',
        binance_depth(14, 13),
        binance_frame("depth@100ms", U=13, u=13, b=[]),
        binance_frame("depth@100ms", U=13, u=13, b=[["1"]], a=[]),
        binance_depth(14, 14, bids=[["1e2", "1"]]),
        binance_depth(14, 14, bids=[["-1", "1"]]),
        binance_depth(14, 14, bids=[["1.123456789", "1"]]),
        binance_frame("kline_1m"),
        binance_frame("depth@100ms", name="ethusdt", U=13, u=13, b=[], a=[]),
        binance_frame("bookTicker", s="ETHUSDT", name="ethusdt", u=1, b="1", B="1", a="1", A="1"),
        binance_ticker(13, "x", "1", "2", "1"),
        binance_trade(7, "?"),
        binance_trade(7).replace(b"1633998512070", b"16339985120700000"),
    ],
)
def test_a_frame_that_makes_no_sense_loses_every_book_since_the_frame_before(payload: bytes) -> None:
    session = live()
    session.on_frame(binance_depth(13, 13), 7)
    gap, reconnect = session.on_frame(payload, 9)
    assert isinstance(gap, Gap)
    assert isinstance(reconnect, Reconnect)
    assert gap.received_ns == 7


def test_a_lost_connection_is_a_gap_and_the_next_one_begins_anew() -> None:
    session = live()
    assert kinds(session.lost("dropped", 5)) == [Gap]
    assert session.open() == []
    assert session.on_frame(binance_depth(50, 51), 6) == [Resync(SYMBOL)]
    assert kinds(session.on_snapshot(SYMBOL, binance_snapshot(51), 7)) == [BookSnapshot]
