"""How many book messages a second of processor time one core takes, every checksum on; on recorded frames of Kraken.

    python -m noderr.data_connectors.book_bench RECORDINGS [--repeats 5]

Peers, where they are installed (they are no dependency: AGPL, and not needed): cryptofeed, whose book is in C, through
its own message handler, with the same messages in the version of Kraken's protocol that it speaks; and a plain book of
json, Decimal and sortedcontainers. All see the same frames in the same run, in turns; the best turn counts.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import re
import time
import zlib
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

from noderr.data_connectors.kraken import KrakenSession
from noderr.market_data.events import BookDelta, BookSnapshot
from noderr.market_data.live_market import MarketName
from noderr.market_data.market_books import MarketBooks

_LINE = re.compile(r"(\d+)\.(\d+): (\[.+)")
_DEPTH = 1000
_NAMES = {"XBT": "BTC"}


def ours(frames: Sequence[bytes], symbols: Sequence[str], *, check: bool) -> int:
    """The session alone: parse, apply, check, tell."""
    session = KrakenSession(symbols, _DEPTH, check=check)
    session.open()
    told = 0
    for number, frame in enumerate(frames):
        told += sum(isinstance(output, BookDelta | BookSnapshot) for output in session.on_frame(frame, number))
    return told


def node(frames: Sequence[bytes], symbols: Sequence[str]) -> int:
    """As in a node: the events are applied to its books too, and made records of."""
    session = KrakenSession(symbols, _DEPTH)
    books = MarketBooks([MarketName("kraken", symbol) for symbol in symbols], time.monotonic)
    session.open()
    told = 0
    for number, frame in enumerate(frames):
        for output in session.on_frame(frame, number):
            if isinstance(output, BookDelta | BookSnapshot):
                books.take(output)
                told += 1
    return told


def plain(frames: Sequence[bytes], sortedcontainers: ModuleType) -> int:
    """What one writes first: Decimal prices in sorted dictionaries, the checksum over their text."""
    books: dict[str, dict[str, Any]] = {}
    told = 0
    for frame in frames:
        said = json.loads(frame)
        parts, pair = said[1:-2], said[-1]
        if "as" in parts[0]:
            books[pair] = {side: sortedcontainers.SortedDict() for side in "ab"}
        book, expected = books[pair], None
        for part in parts:
            expected = part.get("c", expected)
            for key, side in (("as", "a"), ("bs", "b"), ("a", "a"), ("b", "b")):
                for price, size, *_ in part.get(key, ()):
                    if Decimal(size):
                        book[side][Decimal(price)] = (price, size)
                    else:
                        book[side].pop(Decimal(price), None)
        if expected is not None:
            levels = [*book["a"].values()[:10], *book["b"].values()[:-11:-1]]
            text = "".join(part.replace(".", "").lstrip("0") for level in levels for part in level)
            if zlib.crc32(text.encode()) != int(expected):
                raise ValueError(f"wrong checksum of {pair}")
            told += 1
    return told


def cryptofeed(messages: Sequence[str], exchanges: ModuleType) -> int:
    """Its own handler, without its connections."""
    told = 0

    async def take(*_args: Any, **_options: Any) -> None:
        nonlocal told
        told += 1

    feed = object.__new__(exchanges.Kraken)
    feed._l2_book = {}
    feed.book_depth, feed.checksum_validation = _DEPTH, True
    feed.exchange_symbol_to_std_symbol = lambda symbol: symbol
    feed.book_callback = take

    async def run() -> None:
        for message in messages:
            await feed.message_handler(message, None, 0.0)

    asyncio.run(run())
    return told


def second_version(frame: bytes) -> str:
    """The same message in version 2 of the protocol: numbers with all their digits, one checksum."""
    said = json.loads(frame)
    parts = {key: levels for part in said[1:-2] for key, levels in part.items()}
    sides = []
    for name, keys in (("bids", ("bs", "b")), ("asks", ("as", "a"))):
        levels = [level for key in keys for level in parts.get(key, ())]
        sides.append(f'"{name}":[{",".join(f'{{"price":{price},"qty":{size}}}' for price, size, *_ in levels)}]')
    kind = "snapshot" if "as" in parts else "update"
    checksum = f'"checksum":{parts["c"]},"timestamp":"2021-04-17T16:48:52.831468Z",' if "c" in parts else ""
    return f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{said[-1]}",{checksum}{",".join(sides)}}}]}}'


def installed(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    lines = (options.recordings / "KRAKEN.ws.50.0").read_text().splitlines()
    frames = [match[3].encode() for line in lines if (match := _LINE.fullmatch(line)) is not None]
    pairs = list(dict.fromkeys(json.loads(frame)[-1] for frame in frames))
    symbols = ["/".join(_NAMES.get(one, one) for one in pair.split("/")) for pair in pairs]
    subjects: dict[str, Callable[[], int]] = {
        "session, checks on": lambda: ours(frames, symbols, check=True),
        "session, checks off": lambda: ours(frames, symbols, check=False),
        "session and the node's books": lambda: node(frames, symbols),
    }
    if (library := installed("cryptofeed.exchanges")) is not None:
        messages = [second_version(frame) for frame in frames]
        subjects["cryptofeed, checks on"] = lambda: cryptofeed(messages, library)
    if (containers := installed("sortedcontainers")) is not None:
        subjects["plain, checks on"] = lambda: plain(frames, containers)
    best: dict[str, float] = {}
    counts: dict[str, int] = {}
    for _ in range(options.repeats):
        for name, run in subjects.items():
            began = time.process_time()
            counts[name] = run()
            best[name] = min(best.get(name, float("inf")), time.process_time() - began)
    for name, seconds in best.items():
        ratio = best["session, checks on"] / seconds
        print(f"{name:30} {len(frames) / seconds:10,.0f} messages/s  {ratio:5.2f} x ours  ({counts[name]} told)")


if __name__ == "__main__":
    main()
