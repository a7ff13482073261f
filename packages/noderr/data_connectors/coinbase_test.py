"""Frames as Coinbase documents them (Advanced Trade, market data)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from noderr.data_connectors.coinbase import CoinbaseSession
from noderr.data_connectors.coinbase_frames import time_ns
from noderr.data_connectors.errors import FrameError
from noderr.data_connectors.session import Output, Reconnect, Send
from noderr.market_data.events import BookDelta, BookSnapshot, Duplicate, Gap, Trade

TIME = "2023-02-09T20:32:50.714964855Z"
TIME_NS = 1_675_974_770_714_964_855
BOOK = [("bid", "21921.73", "0.06317902"), ("bid", "21921.3", "0.02"), ("offer", "21921.74", "0.25")]


def frame(number: int, channel: str, *events: dict[str, Any], timestamp: str = TIME) -> bytes:
    return json.dumps(
        {"channel": channel, "client_id": "", "timestamp": timestamp, "sequence_num": number, "events": events}
    ).encode()


def book(number: int, kind: str, levels: list[tuple[str, str, str]], product: str = "BTC-USD") -> bytes:
    updates = [
        {"side": side, "event_time": "1970-01-01T00:00:00Z", "price_level": price, "new_quantity": size}
        for side, price, size in levels
    ]
    return frame(number, "l2_data", {"type": kind, "product_id": product, "updates": updates})


def heartbeat(number: int) -> bytes:
    return frame(number, "heartbeats", {"current_time": TIME, "heartbeat_counter": 3049})


def kinds(outputs: list[Output]) -> list[type]:
    return [type(output) for output in outputs]


def live(**options: Any) -> CoinbaseSession:
    """The book is known; frame 2 comes next."""
    session = CoinbaseSession(["BTC/USD", "ETH/USD"], **options)
    session.open()
    assert session.on_frame(heartbeat(0), 1) == []
    assert kinds(session.on_frame(book(1, "snapshot", BOOK), 2)) == [BookSnapshot]
    assert session.waiting() == ["ETH/USD"]
    return session


def test_books_trades_and_heartbeats_are_asked_for() -> None:
    sent = [json.loads(one.text) for one in CoinbaseSession(["BTC/USD", "ETH/USD"]).open() if isinstance(one, Send)]
    assert [one["channel"] for one in sent] == ["heartbeats", "level2", "market_trades"]
    assert all(one["type"] == "subscribe" and one["product_ids"] == ["BTC-USD", "ETH-USD"] for one in sent)


def test_a_snapshot_and_its_updates() -> None:
    session = live()
    (delta,) = session.on_frame(book(2, "update", [("bid", "21921.73", "0"), ("offer", "22000", "1")]), 3)
    assert isinstance(delta, BookDelta)
    assert (delta.bids, delta.asks) == (((21_921_730_000_000_000, 0),), ((22_000 * 10**12, 10**12),))
    assert (delta.symbol, delta.event_ns, delta.received_ns) == ("BTC/USD", TIME_NS, 3)


@pytest.mark.parametrize("number", [3, 4, 0, 100])
def test_a_number_that_does_not_come_next_loses_every_book_since_the_frame_before(number: int) -> None:
    session = live()
    gap, reconnect = session.on_frame(heartbeat(number), 9)
    assert isinstance(gap, Gap)
    assert (gap.received_ns, gap.reason) == (2, f"frame 2 comes next, Coinbase sent {number}")
    assert isinstance(reconnect, Reconnect)
    # Whatever comes on the old connection counts no more.
    assert BookDelta not in kinds(session.on_frame(book(number + 1, "update", BOOK), 10))


def test_the_same_number_twice_is_told() -> None:
    session = live()
    assert kinds(session.on_frame(book(1, "snapshot", BOOK), 3)) == [Duplicate, Duplicate]
    assert session.on_frame(heartbeat(2), 4) == []


def test_a_connection_whose_first_frame_is_lost_is_made_anew() -> None:
    session = CoinbaseSession(["BTC/USD"])
    session.open()
    assert kinds(session.on_frame(heartbeat(1), 1)) == [Reconnect]


def test_without_the_check_numbers_do_not_matter() -> None:
    session = live(check=False)
    assert kinds(session.on_frame(book(7, "update", BOOK[:1]), 3)) == [BookDelta]


def test_trades_come_oldest_first_with_the_taker_s_side() -> None:
    session = live()
    one = {
        "trade_id": "000000000",
        "product_id": "ETH-USD",
        "price": "1260.01",
        "size": "0.3",
        "side": "BUY",
        "time": TIME,
    }
    update = {"type": "update", "trades": [{**one, "trade_id": "2", "side": "SELL"}, one]}
    first, second = session.on_frame(frame(2, "market_trades", update), 3)
    assert isinstance(first, Trade)
    assert isinstance(second, Trade)
    assert (first.symbol, first.price, first.quantity) == ("ETH/USD", Decimal("1260.01"), Decimal("0.3"))
    assert (first.trade_id, first.taker, second.taker, first.event_ns) == ("000000000", "sell", "buy", TIME_NS)
    # Those of a snapshot happened before we came.
    assert session.on_frame(frame(3, "market_trades", {**update, "type": "snapshot"}), 4) == []


def test_a_new_snapshot_ends_what_was_known() -> None:
    assert kinds(live().on_frame(book(2, "snapshot", BOOK), 3)) == [Gap, BookSnapshot]


def test_a_refused_subscription_is_said() -> None:
    session = live()
    assert session.on_frame(b'{"type":"error","message":"ETH-USD is not a valid product"}', 3) == []
    assert session.refused == dict.fromkeys(("BTC/USD", "ETH/USD"), "ETH-USD is not a valid product")
    assert session.waiting() == []


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"garbage",
        b"\xff",
        b"{}",
        book(2, "update", [("ask", "1", "1")]),
        book(2, "delta", BOOK),
        book(2, "update", BOOK, product="SOL-USD"),
        book(2, "update", BOOK, product="ETH-USD"),
        book(2, "update", [("bid", "1e3", "1")]),
        book(2, "update", [("bid", "-1", "1")]),
        book(2, "update", [("bid", "0.0000000000001", "1")]),
        book(2, "update", [("bid", "21921.74", "1")]),
        book(2, "snapshot", [*BOOK, BOOK[0]]),
        frame(2, "candles"),
        frame(2, "heartbeats", timestamp="yesterday"),
        frame(2, "market_trades", {"type": "update", "trades": [{"trade_id": "1"}]}),
    ],
)
def test_a_frame_that_makes_no_sense_loses_every_book_since_the_frame_before(payload: bytes) -> None:
    session = live()
    gap, reconnect = session.on_frame(payload, 9)
    assert isinstance(gap, Gap)
    assert isinstance(reconnect, Reconnect)
    assert gap.received_ns == 2


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        (TIME, TIME_NS),
        ("2023-02-09T20:32:50Z", 1_675_974_770 * 10**9),
        ("2023-02-09T20:32:50.5Z", 1_675_974_770_500_000_000),
    ],
)
def test_times_are_exact(text: str, ns: int) -> None:
    assert time_ns(text) == ns


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2023",
        "2023-02-09T20:32:50+01:00",
        "2023-13-09T20:32:50Z",
        "2023-02-09T20:32:50.x1Z",
        "2300-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
    ],
)
def test_times_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(FrameError, match="none"):
        time_ns(text)
