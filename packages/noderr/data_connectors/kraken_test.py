"""Frames as Kraken documents them; those of real markets are in `tests/recordings`."""

from __future__ import annotations

import json
import zlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.data_connectors.errors import FrameError
from noderr.data_connectors.kraken import KrakenSession, kraken_pair
from noderr.data_connectors.kraken_frames import TopChecksum, event_ns
from noderr.data_connectors.session import Output, Reconnect, Resync, Send
from noderr.data_connectors.testing_frames import (
    ASKS,
    BIDS,
    CHECKSUM,
    SAME,
    SNAPSHOT,
    TIME,
    kraken_frame,
    kraken_levels,
)
from noderr.market_data.events import BookDelta, BookSnapshot, Duplicate, Gap, Trade
from noderr.market_data.order_book import OrderBook
from noderr.market_data.units import Scale


def opened(**options: Any) -> KrakenSession:
    session = KrakenSession(["BTC/USD", "DOGE/EUR"], **options)
    session.open()
    return session


def live() -> KrakenSession:
    session = opened()
    session.on_frame(SNAPSHOT, 1)
    (snapshot,) = session.on_frame(kraken_frame(SAME), 2)
    assert isinstance(snapshot, BookSnapshot)
    return session


def crc(asks: list[tuple[int, int]], bids: list[tuple[int, int]]) -> int:
    return zlib.crc32("".join(f"{price}{size}" for price, size in asks + bids).encode())


def kinds(outputs: list[Output]) -> list[type]:
    return [type(output) for output in outputs]


def test_the_checksum_is_that_of_kraken_s_own_example() -> None:
    book = OrderBook(Scale(5, 8))
    units = [
        [(int(price.replace(".", "")), int(size.replace(".", ""))) for price, size in side] for side in (ASKS, BIDS)
    ]
    book.load(units[1], units[0])
    assert TopChecksum().of(book, asks_changed=False, bids_changed=False) == CHECKSUM


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 40), st.integers(0, 3)), max_size=40))
def test_a_checksum_that_reads_only_what_changed_is_the_same(changes: list[tuple[bool, int, int]]) -> None:
    book, kept = OrderBook(Scale(0, 0), depth=12), TopChecksum()
    for is_bid, price, size in changes:
        level = ((price, size),)
        book.apply(level if is_bid else (), () if is_bid else level)
        assert kept.of(book, asks_changed=not is_bid, bids_changed=is_bid) == TopChecksum().of(
            book, asks_changed=True, bids_changed=True
        )


def test_books_and_trades_are_asked_for_by_kraken_s_names() -> None:
    book, trade = KrakenSession(["BTC/USD", "DOGE/EUR"]).open()
    assert isinstance(book, Send)
    assert isinstance(trade, Send)
    pairs = ["XBT/USD", "XDG/EUR"]
    assert json.loads(book.text) == {"event": "subscribe", "pair": pairs, "subscription": {"name": "book", "depth": 10}}
    assert json.loads(trade.text) == {"event": "subscribe", "pair": pairs, "subscription": {"name": "trade"}}
    assert kraken_pair("ETH/BTC") == "ETH/XBT"


def test_a_snapshot_counts_when_a_checksum_has_confirmed_it() -> None:
    session = opened()
    assert session.waiting() == ["BTC/USD", "DOGE/EUR"]
    assert session.on_frame(SNAPSHOT, 1) == []
    assert session.waiting() == ["DOGE/EUR"]
    (snapshot,) = session.on_frame(kraken_frame(SAME), 2)
    assert isinstance(snapshot, BookSnapshot)
    assert (snapshot.venue, snapshot.symbol, snapshot.received_ns) == ("kraken", "BTC/USD", 2)
    assert (snapshot.bids[0], snapshot.asks[0], len(snapshot.bids)) == ((5000, 500), (5005, 500), 10)
    assert snapshot.event_ns == 1_582_905_487_439_814_000


def test_a_snapshot_that_its_first_checksum_does_not_confirm_is_asked_for_again() -> None:
    session = opened()
    damaged = SNAPSHOT.replace(b'"0.05015"', b'"0.05016"')
    session.on_frame(damaged, 1)
    (resync,) = session.on_frame(kraken_frame(SAME), 2)  # No gap: nothing was told.
    assert isinstance(resync, Resync)


def test_an_update_in_two_parts_is_applied_whole() -> None:
    session = live()
    raw = ({"a": kraken_levels([["0.05050", "0.00000700"]])}, {"b": kraken_levels([["0.04950", "0.00000800"]])})
    asks = [(5005 + 5 * step, 500) for step in range(9)] + [(5050, 700)]
    bids = [(int(price.replace(".", "")), 500) for price, _ in BIDS[:9]] + [(4950, 800)]
    raw[1]["c"] = str(crc(asks, bids))  # type: ignore[assignment]
    (delta,) = session.on_frame(kraken_frame(*raw), 3)
    assert isinstance(delta, BookDelta)
    assert (delta.bids, delta.asks, delta.received_ns) == (((4950, 800),), ((5050, 700),), 3)


def test_a_wrong_checksum_is_a_gap_since_the_last_good_one_and_the_book_is_asked_for_anew() -> None:
    session = live()
    gap, resync = session.on_frame(kraken_frame({"b": kraken_levels([["0.05000", "0.00000100"]]), "c": "1"}), 9)
    assert isinstance(gap, Gap)
    assert (gap.symbol, gap.received_ns) == ("BTC/USD", 2)
    assert "Kraken says 1" in gap.reason
    assert isinstance(resync, Resync)
    assert [json.loads(text)["event"] for text in resync.send] == ["unsubscribe", "subscribe"]
    assert all(json.loads(text)["pair"] == ["XBT/USD"] for text in resync.send)
    # What comes before the new book says nothing.
    assert session.on_frame(kraken_frame(SAME), 10) == []
    assert session.on_frame(SNAPSHOT, 11) == []
    assert kinds(session.on_frame(kraken_frame({**SAME, "a": kraken_levels(ASKS[1:2])}), 12)) == [BookSnapshot]


def test_without_the_check_the_snapshot_counts_at_once() -> None:
    session = opened(check=False)
    assert kinds(session.on_frame(SNAPSHOT, 1)) == [BookSnapshot]
    assert kinds(session.on_frame(kraken_frame({**SAME, "c": "1"}), 2)) == [BookDelta]


def test_the_same_frame_twice_is_told() -> None:
    session = live()
    assert kinds(session.on_frame(kraken_frame(SAME), 3)) == [Duplicate]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"garbage",
        b"[1,2",
        b"\xff\xfe",
        b"[]",
        b"5",
        kraken_frame({"a": kraken_levels(ASKS[:1])}),
        kraken_frame({"c": str(CHECKSUM)}),
        kraken_frame(SAME, pair="ETH/USD"),
        kraken_frame(SAME, channel="book-100"),
        kraken_frame(SAME, channel="ohlc"),
        kraken_frame({**SAME, "a": [["-1", "1", TIME]]}),
        kraken_frame({**SAME, "a": [["0.050055", "1", TIME]]}),
        kraken_frame({**SAME, "a": [["0.05005", "1e3", TIME]]}),
        kraken_frame({**SAME, "a": [["0.05005", "1", "today"]]}),
        kraken_frame([["1", "1", "15346140573.2", "s", "l", ""]], channel="trade"),  # type: ignore[arg-type]
        kraken_frame([["1", "1", "1534614057.3", "x", "l", ""]], channel="trade"),  # type: ignore[arg-type]
        kraken_frame({"as": kraken_levels(ASKS + ASKS[:1]), "bs": kraken_levels(BIDS)}),
        kraken_frame({"as": [["0", "1", TIME]], "bs": []}),
    ],
)
def test_a_frame_that_makes_no_sense_loses_every_book_since_the_frame_before(payload: bytes) -> None:
    session = live()
    session.on_frame(b'{"event":"heartbeat"}', 7)
    gap, reconnect = session.on_frame(payload, 9)
    assert isinstance(gap, Gap)
    assert isinstance(reconnect, Reconnect)
    assert gap.received_ns == 7
    assert session.on_frame(kraken_frame(SAME), 10) == []


def test_levels_beyond_the_depth_are_forgotten() -> None:
    session = opened(check=False)
    session.on_frame(SNAPSHOT, 1)
    session.on_frame(kraken_frame({"a": kraken_levels([["0.05001", "0.00000001"]]), "c": "1"}), 2)
    (delta,) = session.on_frame(kraken_frame({"a": kraken_levels([["0.05001", "0.00000000"]]), "c": "2"}), 3)
    assert isinstance(delta, BookDelta)
    assert delta.asks == ((5001, 0),)


def test_trades_are_exact() -> None:
    raw = [
        [
            ["5541.20000", "0.15850568", "1534614057.321597", "s", "l", ""],
            ["6060.00000", "0.02455000", "1534614057.324998", "b", "l", ""],
        ]
    ]
    first, second = KrakenSession(["BTC/USD"]).on_frame(json.dumps([0, *raw, "trade", "XBT/USD"]).encode(), 4)
    assert isinstance(first, Trade)
    assert isinstance(second, Trade)
    assert (first.price, first.quantity, first.taker, first.symbol) == (
        Decimal("5541.2"),
        Decimal("0.15850568"),
        "sell",
        "BTC/USD",
    )
    assert (second.taker, second.event_ns, second.received_ns) == ("buy", 1_534_614_057_324_998_000, 4)


def test_a_market_that_kraken_has_not_is_refused_for_good() -> None:
    session = opened()
    said = {
        "event": "subscriptionStatus",
        "status": "error",
        "pair": "XDG/EUR",
        "errorMessage": "Currency pair not supported",
    }
    assert session.on_frame(json.dumps(said).encode(), 1) == []
    assert session.refused == {"DOGE/EUR": "Currency pair not supported"}
    assert session.waiting() == ["BTC/USD"]


def test_a_lost_connection_is_a_gap_of_the_books_that_were_known() -> None:
    session = live()
    (gap,) = session.lost("dropped", 5)
    assert isinstance(gap, Gap)
    assert (gap.symbol, gap.reason, gap.received_ns) == ("BTC/USD", "dropped", 5)
    assert session.lost("dropped", 6) == []


def test_depths_and_times_that_are_none_are_refused() -> None:
    with pytest.raises(FrameError, match="depth is 11"):
        KrakenSession(["BTC/USD"], 11)
    assert event_ns("1618678133.363461") == 1_618_678_133_363_461_000
