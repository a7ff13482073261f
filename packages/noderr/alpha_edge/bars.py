"""Bars of equal length that end where a forecast is asked for: what flowed in, and how the mid price moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from noderr.alpha_edge.arrays import Flags, Floats, Places
from noderr.alpha_edge.quote_history import Quote
from noderr.types.trading.decimals import add
from noderr.types.trading.errors import InexactError

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Bars:
    """One row a bar, the oldest first; rows that are not `whole` hold zeros and count for nothing."""

    whole: Flags
    """No gap, no silence, no unknown book from the bar's beginning through its end."""
    flow: Floats
    """Order flow over the bar / depth: both in base, so a plain number (Cont et al. divide alike, eq. (11))."""
    move: Floats
    """Of the mid price, in quote currency."""
    ends: Places
    """The place of the quote that stands at each bar's end."""
    first: int
    """The place of the quote that stands at the first bar's beginning; below 0 for none."""

    def since(self, bar: int) -> Bars:
        """Without those before `bar`, which is one."""
        first = int(self.ends[bar - 1]) if bar else self.first
        return Bars(self.whole[bar:], self.flow[bar:], self.move[bar:], self.ends[bar:], first)


def cut_bars(quotes: Sequence[Quote], at_ns: int, *, bar_ns: int, max_age_ns: int, count: int) -> Bars:
    """Bars (at - bar, at] and before it. What came after `at_ns` is not looked at."""
    times = np.array([quote.at_ns for quote in quotes], dtype=np.int64)
    segments = np.array([quote.segment for quote in quotes], dtype=np.int64)
    known = np.array([quote.known for quote in quotes], dtype=np.bool_)
    edges = at_ns - bar_ns * np.arange(count, -1, -1, dtype=np.int64)
    stands = np.searchsorted(times, edges, side="right").astype(np.int64) - 1
    fresh = (stands >= 0) & known[stands] & (edges - times[stands] <= max_age_ns)
    begin, end = stands[:-1], stands[1:]
    whole = fresh[:-1] & fresh[1:] & (segments[begin] == segments[end])

    flow = np.array([quote.flow for quote in quotes])
    depth = np.array([quote.depth for quote in quotes])
    flows, moves = np.zeros(count), np.zeros(count)
    for bar in np.flatnonzero(whole):
        start, stop = int(begin[bar]), int(end[bar]) + 1
        flows[bar] = flow[start + 1 : stop].sum() / depth[start:stop].mean()
        moves[bar] = _move(quotes[start].twice_mid, quotes[stop - 1].twice_mid)
    return Bars(whole, flows, moves, end, int(begin[0]))


def _move(before: Decimal, now: Decimal) -> float:
    try:
        return float(add(now, before.copy_negate())) / 2
    except InexactError:
        return float(now) / 2 - float(before) / 2  # Apart by more digits than any market has: a float is no worse.
