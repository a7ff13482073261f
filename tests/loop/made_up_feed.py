"""A made-up market in the format of Kraken's recordings, for tests only: no exchange ever sent any of it.

Its next price follows the imbalance of the two best queues, as Gould and Bonart (2016) found it of real ones, so that
there is something to foretell. The checksums are Kraken's: CRC32 over the ten best asks, then bids.
"""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from noderr.utils import seeded

PAIRS = ("MADEUP/USD", "NOTREAL/USD")
BEGIN_NS = 1_700_000_000_250_000_000
DEPTH = 10
PRICE_DIGITS = 2
SIZE_DIGITS = 8
_PRICES = (5_000, 8_000)
"""In ticks: 50.00 and 80.00."""
STEP_NS = 50_000_000
_MOVE_CHANCE = 0.06
"""Of each step."""
_FOLLOWS = 0.92
"""How sure a price is to go the way of a queue that stands alone."""
_ONE = 10**SIZE_DIGITS


@dataclass
class MadeUpMarket:
    """Ten levels a side, a tick apart: `bid` is the best of one, `bid` + 1 of the other; sizes in units, best first."""

    pair: str
    bid: int
    randomness: random.Random
    bids: list[int] = field(default_factory=list)
    asks: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bids = [self._size() for _ in range(DEPTH)]
        self.asks = [self._size() for _ in range(DEPTH)]

    def snapshot(self, at_ns: int) -> bytes:
        asks = [_level(self.bid + 1 + place, size, at_ns) for place, size in enumerate(self.asks)]
        bids = [_level(self.bid - place, size, at_ns) for place, size in enumerate(self.bids)]
        return _frame({"as": asks, "bs": bids}, f"book-{DEPTH}", self.pair)

    def step(self, at_ns: int) -> tuple[bytes, bytes | None]:
        """What the book's connection says of it, and the trades' if the price moved."""
        if self.randomness.random() >= _MOVE_CHANCE:
            return self._queue(at_ns), None
        imbalance = (self.bids[0] - self.asks[0]) / (self.bids[0] + self.asks[0])
        is_up = self.randomness.random() < 0.5 + _FOLLOWS * imbalance / 2
        return self._move(at_ns, is_up=is_up)

    def cross(self, at_ns: int) -> bytes:
        """Somebody bids a tick more than is asked; the checksum is right."""
        size = self._size()
        return self._update(at_ns, [], [_level(self.bid + 2, size, at_ns)], crossing=[(self.bid + 2, size)])

    def uncross(self, at_ns: int) -> bytes:
        """That bid is gone, and the last one is there again."""
        last = _level(self.bid - DEPTH + 1, self.bids[-1], at_ns, "r")
        return self._update(at_ns, [], [_level(self.bid + 2, 0, at_ns), last])

    def _queue(self, at_ns: int) -> bytes:
        """One best queue has another size: what stays for a while is what an oracle can see."""
        if self.randomness.random() < 0.5:
            self.bids[0] = self._size()
            return self._update(at_ns, [], [_level(self.bid, self.bids[0], at_ns)])
        self.asks[0] = self._size()
        return self._update(at_ns, [_level(self.bid + 1, self.asks[0], at_ns)], [])

    def _move(self, at_ns: int, *, is_up: bool) -> tuple[bytes, bytes]:
        """A best queue is traded away, and its place taken: every price is a tick further."""
        taken, self.bid = (self.bid + 1, self.bid + 1) if is_up else (self.bid, self.bid - 1)
        size = self.asks.pop(0) if is_up else self.bids.pop(0)
        new = self._size()
        (self.bids if is_up else self.asks).insert(0, new)
        (self.bids if is_up else self.asks).pop()
        far = self._size()
        (self.asks if is_up else self.bids).append(far)
        if is_up:
            asks = [_level(taken, 0, at_ns), _level(self.bid + DEPTH, far, at_ns, "r")]
            bids = [_level(self.bid, new, at_ns)]
        else:
            bids = [_level(taken, 0, at_ns), _level(self.bid - DEPTH + 1, far, at_ns, "r")]
            asks = [_level(self.bid + 1, new, at_ns)]
        trade = [_digits(taken, PRICE_DIGITS), _digits(size, SIZE_DIGITS), _seconds(at_ns), "b" if is_up else "s"]
        return self._update(at_ns, asks, bids), _frame([[*trade, "m", ""]], "trade", self.pair)

    def _update(
        self,
        at_ns: int,
        asks: Sequence[Sequence[str]],
        bids: Sequence[Sequence[str]],
        crossing: Sequence[tuple[int, int]] = (),
    ) -> bytes:
        parts: list[dict[str, object]] = [{key: levels} for key, levels in (("a", asks), ("b", bids)) if levels]
        parts[-1]["c"] = str(self._checksum(crossing))
        return _frame(*parts, f"book-{DEPTH}", self.pair)

    def _checksum(self, crossing: Sequence[tuple[int, int]]) -> int:
        asks = [(self.bid + 1 + place, size) for place, size in enumerate(self.asks)]
        bids = [(self.bid - place, size) for place, size in enumerate(self.bids)]
        text = "".join(
            digits.replace(".", "").lstrip("0")
            for price, size in [*asks, *[*crossing, *bids][:DEPTH]]
            for digits in (_digits(price, PRICE_DIGITS), _digits(size, SIZE_DIGITS))
        )
        return zlib.crc32(text.encode())

    def _size(self) -> int:
        """From 4 to 60, most of them small."""
        return int((4 + 56 * self.randomness.random() ** 2) * _ONE)


def write_made_up_feed(folder: Path, seed: int = 1, seconds: int = 40) -> None:
    """`KRAKEN.ws.50.0` with the books and `KRAKEN.ws.48.0` with the trades; the same seed writes the same bytes."""
    books, trades = [], []
    for at_ns, book, trade in made_up_frames(seed, seconds):
        books.append(_line(at_ns, book))
        if trade is not None:
            trades.append(_line(at_ns, trade))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "KRAKEN.ws.50.0").write_bytes(b"".join(books))
    (folder / "KRAKEN.ws.48.0").write_bytes(b"".join(trades))


def made_up_markets(seed: int) -> list[MadeUpMarket]:
    """As they begin."""
    return [
        MadeUpMarket(pair, price, seeded(seed, f"made-up {pair}")) for pair, price in zip(PAIRS, _PRICES, strict=True)
    ]


def made_up_frames(seed: int, seconds: int) -> Iterator[tuple[int, bytes, bytes | None]]:
    """When it came, the frame of a book, and the one of a trade."""
    markets = made_up_markets(seed)
    for number, market in enumerate(markets):
        yield BEGIN_NS + number, market.snapshot(BEGIN_NS), None
    for step in range(1, seconds * 1_000_000_000 // STEP_NS):
        for number, market in enumerate(markets):
            at_ns = BEGIN_NS + step * STEP_NS + number * STEP_NS // 2
            yield at_ns, *market.step(at_ns)


def _frame(*parts: object) -> bytes:
    return json.dumps([1, *parts], separators=(",", ":")).encode()


def _line(at_ns: int, frame: bytes) -> bytes:
    """A microsecond later than the venue's own time."""
    return f"{_digits(at_ns + 1_000, 9)}: ".encode() + frame + b"\n"


def _level(price: int, size: int, at_ns: int, *again: str) -> list[str]:
    return [_digits(price, PRICE_DIGITS), _digits(size, SIZE_DIGITS), _seconds(at_ns), *again]


def _seconds(at_ns: int) -> str:
    return _digits(at_ns // 1_000, 6)


def _digits(units: int, digits: int) -> str:
    """`units` with a point before the last `digits`."""
    whole, part = divmod(units, 10**digits)
    return f"{whole}.{part:0{digits}}"
