"""Made-up markets whose venue goes wrong, for tests: at `WRONG_NS` it begins, at `HEALED_NS` the book is sent anew."""

from __future__ import annotations

import enum
import json
from collections.abc import Iterator

from noderr.data_connectors.kraken import VENUE
from tests.loop.made_up_feed import BEGIN_NS, DEPTH, PAIRS, STEP_NS, MadeUpMarket, made_up_markets
from tests.loop.recorded_market import RecordedMarket
from tests.recordings.recorded import Recorded

_SECOND_NS = 1_000_000_000
WRONG_NS = BEGIN_NS + 14 * _SECOND_NS
HEALED_NS = WRONG_NS + 4 * _SECOND_NS
END_NS = WRONG_NS + 10 * _SECOND_NS
LIAR, HONEST = PAIRS


class Lie(enum.Enum):
    """What happens to the first market."""

    LOST = "some frames do not come"
    DAMAGED = "a size has another digit"
    CROSSED = "somebody bids more than is asked, by the right checksum"
    NEGATIVE = "a size is below nothing"
    CUT = "a frame ends in its middle"

    @property
    def ends_connection(self) -> bool:
        """What no protocol has is the end of the whole connection, with all its markets."""
        return self in (Lie.NEGATIVE, Lie.CUT)


def lying_market(lie: Lie, seed: int = 1) -> RecordedMarket:
    """Of what ends a connection all books are sent anew, otherwise the one that was wrong."""
    return RecordedMarket(VENUE, PAIRS, DEPTH, sorted(_frames(lie, seed), key=lambda one: one.received_ns))


def _frames(lie: Lie, seed: int) -> Iterator[Recorded]:
    markets = made_up_markets(seed)
    for number, market in enumerate(markets):
        yield Recorded(BEGIN_NS + number, market.snapshot(BEGIN_NS))
    for at_ns in range(BEGIN_NS + STEP_NS, END_NS, STEP_NS):
        for number, market in enumerate(markets):
            market_ns = at_ns + number * STEP_NS // 2
            if at_ns == HEALED_NS and lie is not Lie.CROSSED and (market.pair == LIAR or lie.ends_connection):
                yield Recorded(market_ns, market.snapshot(market_ns))
            elif market.pair == LIAR and WRONG_NS <= at_ns <= HEALED_NS:
                yield from _wrong(lie, market, at_ns)
            else:
                yield from _right(market, market_ns)


def _right(market: MadeUpMarket, at_ns: int) -> Iterator[Recorded]:
    book, trade = market.step(at_ns)
    yield Recorded(at_ns, book)
    if trade is not None:
        yield Recorded(at_ns, trade)


def _wrong(lie: Lie, market: MadeUpMarket, at_ns: int) -> Iterator[Recorded]:
    if lie is Lie.CROSSED:
        if at_ns == WRONG_NS:
            yield Recorded(at_ns, market.cross(at_ns))
        elif at_ns == HEALED_NS:
            yield Recorded(at_ns, market.uncross(at_ns))
        return
    frames = list(_right(market, at_ns))
    if at_ns - WRONG_NS >= 5 * STEP_NS:
        yield from frames
    elif lie is not Lie.LOST:
        yield from ([Recorded(at_ns, _damaged(lie, frames[0].payload)), *frames[1:]] if at_ns == WRONG_NS else frames)


def _damaged(lie: Lie, frame: bytes) -> bytes:
    if lie is Lie.CUT:
        return frame[: len(frame) // 2]
    said = json.loads(frame)
    level = next(levels[-1] for part in said[1:-2] for levels in part.values() if isinstance(levels, list))
    size = level[1]
    level[1] = f"-{size}" if lie is Lie.NEGATIVE else size[:-1] + str((int(size[-1]) + 1) % 10)
    return json.dumps(said, separators=(",", ":")).encode()
