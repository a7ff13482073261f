"""Of any market: the forecast is what a brute force counts, and follows the market's mirror and its units."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.alpha_edge.answers import EVEN_BPS, Abstained, Forecast, Reason
from noderr.alpha_edge.queue_imbalance import ImbalanceParameters
from noderr.alpha_edge.testing import mirrored, scaled
from noderr.alpha_edge.testing_queues import LOOSE, SECOND_NS, fed, markets, reason, said
from noderr.types.trading.market_view import MarketView


@settings(max_examples=40, deadline=None)
@given(markets())
def test_a_mirrored_market_gets_the_mirrored_forecast(views: list[MarketView]) -> None:
    found, other = said(views, LOOSE), said(_mirrored(views), LOOSE)
    if isinstance(found, Abstained):
        assert other == found
        return
    assert other == copy.replace(found, prediction_e8=-found.prediction_e8)


@settings(max_examples=40, deadline=None)
@given(markets(), st.integers(-3, 3), st.integers(-3, 3))
def test_other_units_of_price_and_size_change_nothing(views: list[MarketView], price: int, size: int) -> None:
    found = said(views, LOOSE)
    other = said(scaled(views, Decimal(2) ** price, Decimal(2) ** size), LOOSE)
    if isinstance(found, Abstained):
        assert other == found
        return
    assert isinstance(other, Forecast)
    assert (other.prediction_e8, other.confidence_bps) == (found.prediction_e8, found.confidence_bps)


@settings(max_examples=40, deadline=None)
@given(markets(), st.integers(1, 29))
def test_nothing_of_later_is_looked_at(views: list[MarketView], count: int) -> None:
    at_ns = views[min(count, len(views)) - 1].received_ns
    until = [one for one in views if one.received_ns <= at_ns]
    assert fed(views, LOOSE).forecast(at_ns) == said(until, LOOSE)


@settings(max_examples=60, deadline=None)
@given(markets())
def test_it_counts_as_a_brute_force_does(views: list[MarketView]) -> None:
    counted, found = brute_force(views, LOOSE), said(views, LOOSE)
    if len(counted.sizes) < LOOSE.least_moves:
        assert reason(found) is Reason.TOO_SHORT
        return
    assert isinstance(found, Forecast)
    chance = counted.chances[1]  # The last view's imbalance is 0.4: the second of the three strengths.
    comes = 1 - math.exp(-len(counted.sizes) / float(counted.seconds) * LOOSE.horizon_seconds)
    mean = sum(counted.sizes) / len(counted.sizes)
    wanted = float((2 * chance - 1) * mean / Fraction(found.mid_price_e8, 10**8) * 10**8) * comes
    assert abs(found.prediction_e8 - wanted) < 0.501
    sure = max(chance, 1 - chance) * 10_000 if found.prediction_e8 else EVEN_BPS
    assert -1.001 < found.confidence_bps - sure < 0.001  # Rounded down.


@dataclasses.dataclass
class Counted:
    """Of each move that was waited for, its size; the time of all waits; and the chance by strength."""

    sizes: list[Fraction]
    seconds: Fraction
    chances: dict[int, Fraction]


def brute_force(views: Sequence[MarketView], parameters: ImbalanceParameters) -> Counted:
    """From each move back through what stood before it, in exact fractions."""
    oldest_ns = views[-1].received_ns - parameters.window_seconds * SECOND_NS
    seen = [one for one in views if one.received_ns > oldest_ns]
    waits = dict.fromkeys(range(parameters.strengths + 1), Fraction(0))
    with_it = dict(waits)
    counted = Counted([], Fraction(0), {})
    for end in range(1, len(seen)):
        if not _follows(seen[end - 1], seen[end], parameters) or _twice_mid(seen[end]) == _twice_mid(seen[end - 1]):
            continue
        begin = end - 1
        while begin > 0 and _follows(seen[begin - 1], seen[begin], parameters):
            if _twice_mid(seen[begin - 1]) != _twice_mid(seen[begin]):
                break
            begin -= 1
        whole = seen[end].received_ns - seen[begin].received_ns
        if not whole:
            continue
        move = _twice_mid(seen[end]) - _twice_mid(seen[end - 1])
        counted.sizes.append(Fraction(abs(move)) / 2)
        counted.seconds += Fraction(whole, SECOND_NS)
        for place in range(begin, end):
            bid, ask = Fraction(seen[place].bids[0].size), Fraction(seen[place].asks[0].size)
            part = Fraction(seen[place + 1].received_ns - seen[place].received_ns, whole)
            imbalance = (bid - ask) / (bid + ask)
            strength = min(int(abs(imbalance) * (parameters.strengths + 1)), parameters.strengths)
            waits[strength] += part
            with_it[strength] += part * ((imbalance > 0) == (move > 0))
    counted.chances = {one: (1 + with_it[one]) / (2 + waits[one]) for one in waits}
    return counted


def _follows(before: MarketView, after: MarketView, parameters: ImbalanceParameters) -> bool:
    near = after.received_ns - before.received_ns <= parameters.max_age_ms * 1_000_000
    return before.known and after.known and after.sequence == before.sequence + 1 and near


def _twice_mid(one: MarketView) -> Decimal:
    return one.bids[0].price + one.asks[0].price


def _mirrored(views: Sequence[MarketView]) -> list[MarketView]:
    """The mirror of the package's own tests, which wants books that are known."""
    known = iter(mirrored([one for one in views if one.known]))
    return [next(known) if one.known else one for one in views]
