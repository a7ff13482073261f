"""Stoikov's micro-price, estimated; and the weighted mid, which is something else.

Stoikov (2018), "The micro-price: a high-frequency estimator of future prices", Quantitative Finance 18(12): the state X
of a book is the bucket of its imbalance and of its spread. With Q the chances of going from state to state while the
mid stays, T of doing so while it moves, and r the mean move, G1 = (1 - Q)^-1 r is the first move to come and
B = (1 - Q)^-1 T where it leads; the micro-price is mid + G*, G* = G1 + B G1 + B² G1 + ... That sum is the solution of
(1 - Q - T) G* = r: mid + G*(X) is a martingale.

As there, each quote counts once more with its sides exchanged. Then G* is odd in the imbalance, so that it is enough to
know it where the bids are heavier: a half as many states, where a step to heavier asks counts negatively.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np

from noderr.alpha_edge.answers import Insufficient
from noderr.alpha_edge.arrays import Floats, Places
from noderr.alpha_edge.quote_history import Quote
from noderr.types.trading.market_view import PriceLevel

_ALMOST_SINGULAR = 1e10


def weighted_mid(bid: PriceLevel, ask: PriceLevel) -> Fraction:
    """Each price weighted by the other side's size, exact. Known from the book alone: nothing is estimated."""
    price, size = Fraction(bid.price), Fraction(bid.size)
    other_price, other_size = Fraction(ask.price), Fraction(ask.size)
    return (price * other_size + other_price * size) / (size + other_size)


@dataclass(frozen=True, slots=True)
class MicroPrice:
    """`adjustments[k - 1, s]` is G* in quote currency with the bids heavier by bucket k, in the spread's bucket s."""

    adjustments: Floats
    visits: Places
    spread_edges: Floats
    """The largest spread of each bucket but the last."""
    min_visits: int
    moves: int
    """Changes of the mid that it was estimated from."""

    def adjustment(self, quote: Quote) -> float | Insufficient:
        """How far from the mid, in quote currency, it is expected to end."""
        size = _bucket(quote.imbalance, len(self.adjustments))
        if size == 0:
            return 0.0
        spread = int(np.searchsorted(self.spread_edges, quote.spread))
        if (seen := int(self.visits[abs(size) - 1, spread])) < self.min_visits:
            return Insufficient(f"a book like this was seen {seen} times, {self.min_visits} are needed")
        return float(np.sign(size) * self.adjustments[abs(size) - 1, spread])


def fit_micro_price(
    quotes: Sequence[Quote], *, imbalance_buckets: int, spread_buckets: int, min_moves: int, min_visits: int
) -> MicroPrice | Insufficient:
    """`imbalance_buckets` is odd: the middle one holds the books that lean to no side."""
    steps = [(before, now) for before, now in pairwise(quotes) if before.known and now.segment == before.segment]
    moves = sum(now.move != 0 for _, now in steps)
    if moves < min_moves:
        return Insufficient(f"the mid moved {moves} times in {len(steps)} quotes, {min_moves} are needed")
    half = imbalance_buckets // 2
    spreads = np.array([before.spread for before, _ in steps])
    shares = np.arange(1, spread_buckets) / spread_buckets
    edges = np.unique(np.quantile(spreads, shares, method="lower"))
    edges = edges[edges < spreads.max()]
    columns = len(edges) + 1
    system, right, visits = (
        np.zeros((half * columns, half * columns)),
        np.zeros(half * columns),
        np.zeros(half * columns),
    )
    for before, now in steps:
        size = _bucket(before.imbalance, half)
        if size == 0:
            continue  # Its twin with the sides exchanged is in the same state and says the opposite.
        sign = 1 if size > 0 else -1
        state = _state(before, size, edges)
        visits[state] += 1
        right[state] += sign * now.move
        size_now = _bucket(now.imbalance, half) * sign
        if size_now != 0:
            system[state, _state(now, size_now, edges)] += 1 if size_now > 0 else -1
    seen = np.maximum(visits, 1)
    system = np.eye(len(seen)) - system / seen[:, None]
    if np.linalg.cond(system) > _ALMOST_SINGULAR:
        return Insufficient("the books that were seen do not lead into each other: the sum has no limit")
    solution = np.linalg.solve(system, right / seen)
    shape = (half, columns)
    return MicroPrice(solution.reshape(shape), visits.astype(np.int64).reshape(shape), edges, min_visits, moves)


def _bucket(imbalance: float, half: int) -> int:
    """-half to half; 0 where neither side is heavier by more than a bucket's half."""
    size = min(half, int((abs(imbalance) * (2 * half + 1) + 1) / 2))
    return size if imbalance > 0 else -size


def _state(quote: Quote, size: int, edges: Floats) -> int:
    return (abs(size) - 1) * (len(edges) + 1) + int(np.searchsorted(edges, quote.spread))
