"""A venue's recorded connection, played to a session as if the venue were there: frames, each at its time.

The files are those of cryptofeed's recordings, `receive time (s): frame` a line. Kraken's connections are merged: books
come on one, trades on another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from noderr.data_connectors.kraken import VENUE as KRAKEN
from noderr.data_connectors.kraken import KrakenSession
from noderr.data_connectors.session import Output, Reconnect, Resync, Send, VenueSession
from noderr.market_data.events import BookDelta, BookSnapshot, Duplicate, Gap, MarketEvent, Trade
from tests.loop.errors import RecordingError
from tests.recordings.recorded import Recorded, frames

_log = structlog.get_logger("tests.loop")

_CHANNEL = re.compile(rb'"(?:book-(\d+)|trade)","([A-Z0-9]+/[A-Z0-9]+)"\]$')
_NAMES = {"XBT": "BTC", "XDG": "DOGE"}


@dataclass(frozen=True)
class RecordedMarket:
    """One venue's frames in the order in which they came, and the session that reads them."""

    venue: str
    symbols: tuple[str, ...]
    depth: int
    frames: Sequence[Recorded]

    @property
    def begin_ns(self) -> int:
        return self.frames[0].received_ns

    @property
    def end_ns(self) -> int:
        return self.frames[-1].received_ns

    def session(self) -> VenueSession:
        """A new one: each validator has its own."""
        return KrakenSession(self.symbols, self.depth)


def read_kraken(folder: Path) -> RecordedMarket:
    """All books and trades of a folder's `KRAKEN.ws.*` files. Raises `RecordingError`."""
    paths = sorted(folder.glob("KRAKEN.ws.*"))
    if not paths:
        raise RecordingError(f"{folder} has no KRAKEN.ws.* files: name a folder of recorded feeds")
    found, pairs, depths = [], set(), set()
    for path in paths:
        for one in frames(path):
            match = _CHANNEL.search(one.payload)
            if match is not None:
                found.append(one)
                pairs.add(match[2].decode())
                depths |= {int(match[1])} if match[1] else set()
    if len(depths) != 1:
        raise RecordingError(f"{folder} has books of depth {sorted(depths)}: one depth is needed")
    found.sort(key=lambda one: one.received_ns)
    symbols = ("/".join(_NAMES.get(part, part) for part in pair.split("/")) for pair in pairs)
    return RecordedMarket(KRAKEN, tuple(sorted(symbols)), depths.pop(), found)


class Playing:
    """A session with its recorded frames. What it asks of the venue, a recording cannot answer: that is said aloud."""

    def __init__(self, session: VenueSession, take: Callable[[MarketEvent], None]) -> None:
        self._session = session
        self._take = take
        self.heard_ns = 0
        self.problems: list[str] = []
        self._do(session.open())

    def frame(self, one: Recorded) -> None:
        self.heard_ns = one.received_ns
        self._do(self._session.on_frame(one.payload, one.received_ns))

    def _do(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            match output:
                case BookSnapshot() | BookDelta() | Trade() | Gap() | Duplicate():
                    self._take(output)
                case Resync(symbol=symbol):
                    self._problem(f"the book of {symbol} would be asked for anew")
                case Reconnect(reason=reason):
                    self._problem(f"the connection would be made anew: {reason}")
                case Send():
                    pass  # What was subscribed to then is what was recorded.

    def _problem(self, words: str) -> None:
        self.problems.append(words)
        _log.warning("recording_cannot_answer", venue=self._session.venue, wish=words)
