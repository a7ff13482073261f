"""Coinbase's recorded books. The recording is of the feed before Advanced Trade, whose frames had no numbers.

So each is put into the frame that Coinbase documents now, numbered in its order: books, prices and changes are real,
envelope is not. Nothing of the venue confirms these books but that they never cross.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings

from noderr.data_connectors.coinbase import CoinbaseSession
from noderr.market_data.events import BookDelta, BookSnapshot, Trade
from tests.recordings.faults import MISHAPS, NO_SHRINKING, Fault, Mishap
from tests.recordings.recorded import frames
from tests.recordings.venues import Top, Wire, decimal

SYMBOLS = (
    "SKL/USD",
    "SKL/BTC",
    "BAND/GBP",
    "NMR/EUR",
    "BAND/BTC",
    "YFI/BTC",
    "DASH/BTC",
    "NU/GBP",
    "CRV/EUR",
    "SKL/GBP",
)
START_NS = 1_618_677_817_000_000_000
SIDES = {"buy": "bid", "sell": "offer"}
TAIL = 300


def enveloped(number: int, channel: str, *events: dict[str, Any]) -> bytes:
    said = {"channel": channel, "timestamp": "2021-04-17T16:43:37.075687Z", "sequence_num": number, "events": events}
    return json.dumps(said).encode()


def book_event(kind: str, product: str, changes: list[tuple[str, str, str]]) -> dict[str, Any]:
    updates = [{"side": SIDES[side], "price_level": price, "new_quantity": size} for side, price, size in changes]
    return {"type": kind, "product_id": product, "updates": updates}


def current(said: dict[str, Any], number: int) -> bytes | None:
    """The frame that tells the same today; None for channels that are not asked for any more."""
    if said["type"] == "snapshot":
        levels = [("buy", *level) for level in said["bids"]] + [("sell", *level) for level in said["asks"]]
        return enveloped(number, "l2_data", book_event("snapshot", said["product_id"], levels))
    if said["type"] == "l2update":
        return enveloped(number, "l2_data", book_event("update", said["product_id"], said["changes"]))
    if said["type"] == "match":
        trade = {key: said[key] for key in ("product_id", "price", "size", "time")}
        trade |= {"trade_id": str(said["trade_id"]), "side": said["side"].upper()}
        return enveloped(number, "market_trades", {"type": "update", "trades": [trade]})
    return None


class Feed:
    """All frames, and the market of each."""

    def __init__(self, folder: Path) -> None:
        self.payloads: list[bytes] = []
        self.symbols: list[str] = []
        for one in frames(folder / "COINBASE.ws.28.0"):
            said = json.loads(one.payload)
            payload = current(said, len(self.payloads))
            if payload is not None:
                self.payloads.append(payload)
                self.symbols.append(said["product_id"].replace("-", "/"))


@functools.cache
def feed(folder: Path) -> Feed:
    return Feed(folder)


def test_the_books_are_kept_and_never_cross(recordings: Path) -> None:
    wire = Wire(CoinbaseSession(SYMBOLS), lambda _symbol: None)
    wire.open()
    for place, payload in enumerate(feed(recordings).payloads):
        wire.frame(payload, START_NS + place)
    kinds = [type(event) for event in wire.events]
    assert (wire.gaps, wire.reconnects, wire.duplicates) == ([], 0, 0)
    assert (kinds.count(BookSnapshot), kinds.count(BookDelta), kinds.count(Trade)) == (10, 9719, 97)


def snapshot(symbol: str, top: Top, number: int) -> bytes:
    bids, asks = top
    levels = [("buy", decimal(price, 12), decimal(size, 12)) for price, size in bids]
    levels += [("sell", decimal(price, 12), decimal(size, 12)) for price, size in asks]
    return enveloped(number, "l2_data", book_event("snapshot", symbol.replace("/", "-"), levels))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), phases=NO_SHRINKING)
@given(mishap=MISHAPS)
def test_whatever_happens_to_a_frame_it_is_found_at_once_and_all_books_heal(recordings: Path, mishap: Mishap) -> None:
    recorded = feed(recordings)
    targets = list(range(100, 3_000))
    # One row for all markets: the numbers are of the connection. A damaged digit of a price is a number still.
    row, hit = mishap.happen(recorded.payloads, [""] * len(recorded.payloads), targets, value=ord("#"))
    truth = Wire(CoinbaseSession(SYMBOLS), lambda _symbol: None)
    truth.open()
    wire = Wire(CoinbaseSession(SYMBOLS), lambda _symbol: None)
    wire.open()
    number, sent, told, due = 0, 0, 0, None
    for place, (true_place, payload) in enumerate(row[: hit + TAIL]):
        at_ns = START_NS + place
        while sent <= true_place:
            truth.frame(recorded.payloads[sent], at_ns)
            sent += 1
        if wire.reconnects == 0:
            wire.frame(payload, at_ns)
            due = place + mishap.delay
        elif due is not None and place >= due:
            # A new connection: all books, numbered from 0.
            for number, symbol in enumerate(SYMBOLS):
                top = truth.top(symbol)
                assert top is not None
                wire.frame(snapshot(symbol, top, number), at_ns)
            told, due = sent, None
        elif due is None and true_place >= told:
            said = json.loads(recorded.payloads[true_place])
            number = said["sequence_num"] = number + 1
            wire.frame(json.dumps(said).encode(), at_ns)
        if wire.reconnects and place == hit:
            assert all(wire.book(symbol) is None for symbol in SYMBOLS)
    if mishap.fault is Fault.DUPLICATED:
        assert (wire.duplicates, wire.gaps) == (len(SYMBOLS), [])
    elif wire.reconnects:
        # All of them, whichever the frame was about: nobody can know which.
        assert {gap.symbol for gap in wire.gaps} == set(SYMBOLS)
    else:
        assert mishap.fault is Fault.CORRUPTED  # A word that says nothing, such as the time of the frame.
    assert wire.reconnects <= 1
    for symbol in SYMBOLS:
        assert wire.top(symbol) == truth.top(symbol)
