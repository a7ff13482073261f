"""Binance's recorded books: no gap, the best prices of its `bookTicker`, and whatever happens to a frame is healed."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from noderr.data_connectors.binance import BinanceSession, binance_symbol
from noderr.market_data.events import BookDelta, BookSnapshot, Trade
from noderr.market_data.live_market import MarketName
from noderr.market_data.units import to_units
from tests.recordings.faults import MISHAPS, NO_SHRINKING, Fault, Mishap
from tests.recordings.recorded import Recorded, answers, frames
from tests.recordings.venues import Top, Wire, binance_snapshot

SYMBOLS = ("NKN/USDT", "BLZ/ETH", "LRC/BTC", "RUNE/EUR")
START_NS = 1_633_998_511_000_000_000
BY_NAME = {binance_symbol(symbol): symbol for symbol in SYMBOLS}


def stream(folder: Path) -> list[Recorded]:
    """The frames of the streams that we subscribe to; the recording has `kline` besides."""
    return [one for one in frames(folder / "BINANCE.ws.1.0") if b"@kline" not in one.payload]


class Run:
    """Frames and the recorded snapshots, each at its time."""

    def __init__(self, folder: Path, session: BinanceSession) -> None:
        self.wire = Wire(session, lambda _symbol: None)
        self.wire.open()
        self.snapshots = sorted(answers(folder / "BINANCE.http.0.0"), key=lambda one: one.received_ns)

    def frame(self, payload: bytes, received_ns: int) -> None:
        self.snapshots_until(received_ns)
        self.wire.frame(payload, received_ns)

    def snapshots_until(self, at_ns: int) -> None:
        while self.snapshots and self.snapshots[0].received_ns <= at_ns:
            one = self.snapshots.pop(0)
            self.wire.do(self.wire.session.on_snapshot(BY_NAME[one.name], one.payload, one.received_ns))

    def sequence(self, symbol: str) -> int | None:
        return self.wire.books.markets[MarketName("binance", symbol)].sequence


def test_there_is_no_gap(recordings: Path) -> None:
    run = Run(recordings, BinanceSession(SYMBOLS))
    for one in stream(recordings):
        run.frame(one.payload, one.received_ns)
    kinds = [type(event) for event in run.wire.events]
    assert (run.wire.gaps, run.wire.reconnects, run.wire.duplicates) == ([], 0, 0)
    assert (kinds.count(BookSnapshot), kinds.count(BookDelta), kinds.count(Trade)) == (4, 172, 2)


def test_the_best_prices_are_those_of_the_ticker_at_the_same_update(recordings: Path) -> None:
    """Compared here, not by the session: its own check is off."""
    run = Run(recordings, BinanceSession(SYMBOLS, check=False))
    tickers: dict[tuple[str, int], tuple[int, ...]] = {}
    tops: dict[tuple[str, int], tuple[int, ...]] = {}
    for one in stream(recordings):
        run.frame(one.payload, one.received_ns)
        said = json.loads(one.payload)
        data, symbol = said["data"], BY_NAME[said["data"]["s"]]
        if said["stream"].endswith("@bookTicker"):
            tickers[symbol, data["u"]] = tuple(to_units(data[key], 8) for key in "bBaA")
        sequence, top = run.sequence(symbol), run.wire.top(symbol, 1)
        if top is not None and sequence is not None:
            tops[symbol, sequence] = (*top[0][0], *top[1][0])
    both = tickers.keys() & tops.keys()
    assert len(both) == 26
    assert {key: tops[key] for key in both} == {key: tickers[key] for key in both}


def test_a_wrong_best_price_is_found_by_the_ticker(recordings: Path) -> None:
    found = 0
    for check in (False, True):
        run = Run(recordings, BinanceSession(SYMBOLS, check=check))
        for one in stream(recordings):
            # 0.35210000 was the best bid of NKN/USDT at update 499869768.
            wrong = b'"b":"0.35210000","B":"672.00000000"', b'"b":"0.35210000","B":"673.00000000"'
            run.frame(one.payload.replace(*wrong), one.received_ns)
        found += bool(run.wire.gaps)
        assert check == bool(run.wire.gaps)
    assert found == 1


@functools.cache
def truth(
    folder: Path,
) -> tuple[list[bytes], dict[tuple[str, int], Top], list[dict[str, bytes]]]:
    """Payloads; the whole book of each symbol at each update id; and what a snapshot would have said at each place."""
    recorded = stream(folder)
    first = {BY_NAME[one.name]: one for one in answers(folder / "BINANCE.http.0.0")}
    run = Run(folder, BinanceSession(SYMBOLS))
    books: dict[tuple[str, int], Top] = {}
    snapshots: list[dict[str, bytes]] = []
    for one in recorded:
        run.frame(one.payload, one.received_ns)
        now: dict[str, bytes] = {}
        for symbol in SYMBOLS:
            sequence, top, book = run.sequence(symbol), run.wire.top(symbol), run.wire.book(symbol)
            if top is not None and book is not None and sequence is not None:
                books[symbol, sequence] = top
                now[symbol] = binance_snapshot(book, sequence)
            else:
                now[symbol] = first[symbol].payload
        snapshots.append(now)
    return [one.payload for one in recorded], books, snapshots


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), phases=NO_SHRINKING)
@given(mishap=MISHAPS)
def test_whatever_happens_to_a_frame_no_wrong_book_is_handed_out_and_the_book_heals(
    recordings: Path, mishap: Mishap
) -> None:
    payloads, books, snapshots = truth(recordings)
    depths = [place for place, payload in enumerate(payloads) if b"@depth" in payload]
    # A damaged digit stays a number, and no id tells of it; what TLS lets through is no text of this protocol.
    names = [json.loads(payload)["data"]["s"] for payload in payloads]
    markets = [name if b"@depth" in payload else "" for name, payload in zip(names, payloads, strict=True)]
    targets = [at for at in depths[20:-30] if markets[at] in markets[at + 1 :]]
    row, hit = mishap.happen(payloads, markets, targets, value=ord("#"))
    asked: dict[str, int] = {}
    place = 0
    wire = Wire(BinanceSession(SYMBOLS), lambda symbol: asked.update({symbol: place + mishap.delay}))
    wire.open()
    name, was_known = BY_NAME[names[hit]], False
    for place, (_, payload) in enumerate(row):
        if place == hit:
            # A snapshot that is newer than the frame has what it says.
            known = wire.books.markets[MarketName("binance", name)].sequence or 0
            was_known = wire.book(name) is not None and known < json.loads(payloads[hit])["data"]["U"]
        told = [*wire.frame(payload, START_NS + place)]
        for symbol in [symbol for symbol, due in asked.items() if due <= place]:
            del asked[symbol]
            body = snapshots[min(place, len(snapshots) - 1)][symbol]
            told += wire.do(wire.session.on_snapshot(symbol, body, START_NS + place))
        for event in told:
            if isinstance(event, BookDelta | BookSnapshot) and event.sequence is not None:
                assert wire.top(event.symbol) == books.get((event.symbol, event.sequence), wire.top(event.symbol))
    last = max(sequence for symbol, sequence in books if symbol == name)
    assert wire.books.markets[MarketName("binance", name)].sequence == last
    assert wire.top(name) == books[name, last]
    if not was_known:
        return  # Nothing was told that could be lost.
    if mishap.fault is Fault.DUPLICATED:
        assert (wire.duplicates, wire.gaps) == (1, [])
    else:
        assert wire.gaps or (mishap.fault is Fault.CORRUPTED and is_harmless(row[hit][1], payloads[hit]))


def is_harmless(damaged: bytes, whole: bytes) -> bool:
    """Whether only a word was hit that says nothing, such as the type beside the stream's name."""
    try:
        found, true = msgspec.json.decode(damaged), msgspec.json.decode(whole)
        return bool(found["stream"] == true["stream"]) and all(
            found["data"][key] == true["data"][key] for key in "EsUuba"
        )
    except (msgspec.DecodeError, KeyError):
        return False


@pytest.mark.parametrize("fault", ["gap", "old"])
def test_a_snapshot_older_than_the_stream_is_asked_for_again(recordings: Path, fault: str) -> None:
    asked: list[str] = []
    wire = Wire(BinanceSession(SYMBOLS), asked.append)
    wire.open()
    payload = next(one.payload for one in stream(recordings) if b"nknusdt@depth" in one.payload)
    wire.frame(payload, 1)
    body = b'{"lastUpdateId":499869000,"bids":[],"asks":[]}' if fault == "old" else b'{"bids":[]}'
    wire.do(wire.session.on_snapshot("NKN/USDT", body, 2))
    assert asked == ["NKN/USDT", "NKN/USDT"]
    assert wire.book("NKN/USDT") is None
