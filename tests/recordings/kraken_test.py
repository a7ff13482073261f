"""Kraken's recorded books: every checksum matches, and whatever happens to a frame, no wrong book is handed out."""

from __future__ import annotations

import functools
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from noderr.data_connectors.kraken import KrakenSession, kraken_pair
from noderr.market_data.events import BookDelta, BookSnapshot
from tests.recordings.faults import MISHAPS, NO_SHRINKING, Fault, Mishap
from tests.recordings.recorded import frames
from tests.recordings.venues import Top, Wire, kraken_levels, kraken_snapshot

SYMBOLS = (
    "WAVES/EUR",
    "XMR/USD",
    "KSM/BTC",
    "GRT/ETH",
    "SC/EUR",
    "ETH/CHF",
    "OCEAN/BTC",
    "OMG/USD",
    "BTC/CHF",
    "ADA/BTC",
)
BY_PAIR = {kraken_pair(symbol): symbol for symbol in SYMBOLS}
TAIL = 200
"""Frames after a mishap in which it has to be healed, and more where the market is quiet."""


class Feed:
    """Frames of books of `depth` levels, and the ten best levels that the venue's checksum of each confirmed."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.payloads: list[bytes] = []
        self.symbols: list[str] = []
        self.tops: list[Top | None] = []

    def add(self, payload: bytes, symbol: str, top: Top | None) -> None:
        self.payloads.append(payload)
        self.symbols.append(symbol)
        self.tops.append(top)

    @functools.cached_property
    def updates(self) -> list[int]:
        """Places of the frames that change a book which is known."""
        return [place for place, top in enumerate(self.tops) if top is not None]

    @functools.cached_property
    def targets(self) -> list[int]:
        """Those of them after which there are enough of the same market to find out and to heal."""
        left = Counter(self.symbols)
        targets = []
        for place, symbol in enumerate(self.symbols):
            left[symbol] -= 1
            if left[symbol] >= 10 and self.tops[place] is not None:
                targets.append(place)
        return targets[50:]


@functools.cache
def feeds(folder: Path) -> tuple[Feed, Feed]:
    """The recording of 1000 levels; and what Kraken sends of it to who asks for ten, with the recorded checksums."""
    deep, shallow = Feed(1000), Feed(10)
    # What the checksums confirm is tested below; here the books count from their snapshots on.
    wire = Wire(KrakenSession(SYMBOLS, depth=1000, check=False), lambda _pair: None)
    wire.open()
    before: dict[str, Top] = {}
    for one in frames(folder / "KRAKEN.ws.50.0"):
        wire.frame(one.payload, one.received_ns)
        if not one.payload.startswith(b"["):
            continue
        said = json.loads(one.payload)
        symbol = BY_PAIR[said[-1]]
        top, book = wire.top(symbol, 10), wire.book(symbol)
        assert top is not None
        assert book is not None
        is_snapshot = symbol not in before
        deep.add(one.payload, symbol, None if is_snapshot else top)
        old, before[symbol] = before.get(symbol, top), top
        if is_snapshot:
            shallow.add(kraken_snapshot(said[-1], book, 10), symbol, None)
        elif top != old:  # Where only deeper levels changed, a book of ten hears nothing.
            gone_and_new = [
                [(price, 0) for price, _ in was if price not in dict(now)]
                + [level for level in now if level not in was]
                for was, now in zip(old, top, strict=True)
            ]
            checksum = next(part["c"] for part in reversed(said[1:-2]) if "c" in part)
            # A level that is sent again changes nothing.
            bids, asks = (side or [best[0]] for side, best in zip(gone_and_new, top, strict=True))
            body = {"b": kraken_levels(bids, book)}, {"a": kraken_levels(asks, book), "c": checksum}
            shallow.add(json.dumps([1, *body, "book-10", said[-1]]).encode(), symbol, top)
    assert not wire.gaps
    return deep, shallow


def test_every_checksum_matches(recordings: Path) -> None:
    wire = Wire(KrakenSession(SYMBOLS, depth=1000), lambda _pair: None)
    wire.open()
    said = 0
    for one in frames(recordings / "KRAKEN.ws.50.0"):
        said += b'"c":"' in one.payload
        wire.frame(one.payload, one.received_ns)
    kinds = [type(event) for event in wire.events]
    assert (said, wire.gaps, wire.reconnects, wire.duplicates) == (4269, [], 0, 0)
    # The first checksum of each pair confirms its snapshot, every other one an update.
    assert (kinds.count(BookSnapshot), kinds.count(BookDelta)) == (10, 4259)


@pytest.mark.parametrize("check", [True, False])
def test_a_lost_frame_is_found_by_the_checksum_of_the_next(recordings: Path, check: bool) -> None:
    _, shallow = feeds(recordings)
    lost = shallow.targets[0]
    symbol = shallow.symbols[lost]
    following = next(at for at in shallow.updates if at > lost and shallow.symbols[at] == symbol)
    wire = Wire(KrakenSession(SYMBOLS, depth=10, check=check), lambda _pair: None)
    wire.open()
    for at, payload in enumerate(shallow.payloads[: following + 1]):
        assert wire.gaps == []
        if at != lost:
            wire.frame(payload, at)
    # Without the check the wrong book goes out.
    assert [gap.symbol for gap in wire.gaps] == ([symbol] if check else [])
    assert (wire.top(symbol) in (None, shallow.tops[following])) == check


@pytest.mark.parametrize("ten_levels", [False, True], ids=["recorded", "ten levels"])
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), phases=NO_SHRINKING)
@given(mishap=MISHAPS)
def test_whatever_happens_to_a_frame_no_wrong_book_is_handed_out_and_the_book_heals(
    recordings: Path, ten_levels: bool, mishap: Mishap
) -> None:
    feed = feeds(recordings)[ten_levels]
    row, hit = mishap.happen(feed.payloads, feed.symbols, feed.targets)
    truth = Wire(KrakenSession(SYMBOLS, feed.depth, check=False), lambda _pair: None)
    truth.open()
    asked: dict[str, int] = {}
    place = 0
    wire = Wire(KrakenSession(SYMBOLS, feed.depth), lambda pair: asked.update({pair: place + mishap.delay}))
    wire.open()
    asked.clear()  # The recording has the first snapshots.
    sent = 0
    symbol, confirmed = feed.symbols[hit], False
    for place, (true_place, payload) in enumerate(row):
        if place > hit + TAIL and confirmed and not asked:
            break
        while sent <= place and sent < len(feed.payloads):
            truth.frame(feed.payloads[sent], sent)
            sent += 1
        outputs = wire.frame(payload, place)
        if payload == feed.payloads[true_place] and any(isinstance(one, BookDelta | BookSnapshot) for one in outputs):
            # Its checksum is of the book after it: no other book may be told with it.
            assert wire.top(feed.symbols[true_place], 10) == feed.tops[true_place]
            confirmed = feed.symbols[true_place] == symbol if place > hit + 1 and not confirmed else confirmed
        for pair in [pair for pair, due in asked.items() if due <= place]:
            del asked[pair]
            book = truth.book(BY_PAIR[pair])
            assert book is not None
            wire.frame(kraken_snapshot(pair, book, feed.depth), place)
    assert confirmed
    assert wire.session.waiting() == []
    if mishap.fault is Fault.DUPLICATED:
        assert wire.duplicates == 1
