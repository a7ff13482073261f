"""The micro-price against the paper's own recursion over the whole, unfolded state space."""

from __future__ import annotations

from collections.abc import Sequence
from copy import replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from noderr.alpha_edge.answers import Insufficient
from noderr.alpha_edge.arrays import Floats
from noderr.alpha_edge.micro_price import MicroPrice, fit_micro_price, weighted_mid
from noderr.alpha_edge.quote_history import Quote
from noderr.alpha_edge.testing import level

BUCKETS = 5
HALF = BUCKETS // 2


def market(seed: int, count: int = 3_000) -> list[Quote]:
    """The heavier side pushes; the spread is one of two; after a move the book is drawn anew."""
    rng = np.random.default_rng(seed)
    quotes, size, wide = [Quote(0, 1, known=True, spread=1.0)], 0.0, False
    for at in range(1, count):
        move = 0.0
        if rng.random() < 0.2:
            move = (1.0 if wide else 0.5) * (1 if rng.random() < 0.5 + 0.4 * size else -1)
            size, wide = rng.uniform(-1, 1), rng.random() < 0.4
        else:
            size = max(-0.99, min(0.99, size + rng.normal(0, 0.3)))
        quotes.append(Quote(at, 1, known=True, imbalance=size, spread=2.0 if wide else 1.0, move=move))
    return quotes


def fitted(quotes: Sequence[Quote], buckets: int = BUCKETS) -> MicroPrice:
    result = fit_micro_price(quotes, imbalance_buckets=buckets, spread_buckets=2, min_moves=10, min_visits=5)
    assert isinstance(result, MicroPrice)
    return result


def by_the_paper(quotes: Sequence[Quote]) -> Floats:
    """Q, R and T counted state by state, symmetrised, then G1 + B G1 + B² G1 + ..., as the paper has it."""
    states = 2 * BUCKETS
    stay, go = np.zeros((states, states)), np.zeros((states, states))
    move = np.zeros(states)

    def state(quote: Quote, sign: int) -> int:
        edges = [(2 * k + 1) / BUCKETS for k in range(HALF)]
        bucket = sum(abs(quote.imbalance) >= edge for edge in edges) * (1 if quote.imbalance > 0 else -1)
        return (HALF + sign * bucket) * 2 + (quote.spread > 1.5)

    for before, now in pairwise(quotes):
        for sign in (1, -1):
            (go if now.move else stay)[state(before, sign), state(now, sign)] += 1
            move[state(before, sign)] += sign * now.move
    visits = (stay + go).sum(axis=1)
    q, t, r = stay / visits[:, None], go / visits[:, None], move / visits
    first = np.linalg.solve(np.eye(states) - q, r)
    b = np.linalg.solve(np.eye(states) - q, t)
    total, term = np.zeros(states), first
    for _ in range(200):
        total, term = total + term, b @ term
    assert np.abs(term).max() < 1e-12
    return total.reshape(BUCKETS, 2)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_sum_of_the_papers_series(seed: int) -> None:
    quotes = market(seed)
    expected = by_the_paper(quotes)
    micro = fitted(quotes)
    assert micro.adjustments == pytest.approx(expected[HALF + 1 :], abs=1e-9)
    assert expected[HALF] == pytest.approx([0, 0], abs=1e-9)
    for place, size in ((0, 0.3), (1, 0.8)):
        for spread in (0, 1):
            quote = Quote(0, 1, known=True, imbalance=size, spread=1.0 + spread)
            other = Quote(0, 1, known=True, imbalance=-size, spread=1.0 + spread)
            assert micro.adjustment(quote) == micro.adjustments[place, spread]
            assert micro.adjustment(other) == -micro.adjustments[place, spread]


def test_a_chain_solved_by_hand() -> None:
    """A heavy bid rises by 1 with chance 1/2 and is balanced then, or stays as it is: it will have risen by 1."""
    quotes = [Quote(0, 1, known=True)]
    for at in range(1, 41, 4):
        quotes += [
            Quote(at, 1, known=True, imbalance=0.9, spread=1.0),
            Quote(at + 1, 1, known=True, imbalance=0.9, spread=1.0),
            Quote(at + 2, 1, known=True, imbalance=0.0, spread=1.0, move=1.0),
            Quote(at + 3, 1, known=True, imbalance=0.0, spread=1.0),
        ]
    assert fitted(quotes, buckets=3).adjustments == pytest.approx(np.array([[1.0]]))


def test_gaps_are_no_steps() -> None:
    quotes = market(1)
    torn = [*quotes[:1000], *(replace(one, segment=2) for one in quotes[1000:])]
    torn[1000] = replace(torn[1000], move=0.0)
    seen = int(fitted(quotes).visits.sum()) - int(fitted(torn).visits.sum())
    assert seen == int(abs(quotes[999].imbalance) >= 0.2)


def test_too_little_is_said_so() -> None:
    quotes = market(1)
    few = fit_micro_price(quotes[:30], imbalance_buckets=5, spread_buckets=2, min_moves=100, min_visits=5)
    assert isinstance(few, Insufficient)
    assert "100 are needed" in few.reason
    micro = fit_micro_price(quotes, imbalance_buckets=5, spread_buckets=2, min_moves=10, min_visits=10_000)
    assert isinstance(micro, MicroPrice)
    assert isinstance(micro.adjustment(Quote(0, 1, known=True, imbalance=0.9, spread=1.0)), Insufficient)
    # Heavy bids that rise for ever and never lead anywhere else: the sum has no limit.
    forever = [Quote(at, 1, known=True, imbalance=0.9, spread=1.0, move=1.0) for at in range(50)]
    endless = fit_micro_price(forever, imbalance_buckets=5, spread_buckets=2, min_moves=10, min_visits=5)
    assert isinstance(endless, Insufficient)
    assert "no limit" in endless.reason


def test_the_weighted_mid_is_exact_and_nearer_to_the_lighter_side() -> None:
    bid, ask = level("100", "3"), level("101", "1")
    assert weighted_mid(bid, ask) == Fraction(403, 4)
    assert weighted_mid(level("1", "1"), level(Decimal("1.1"), "2")) == Fraction(31, 30)
