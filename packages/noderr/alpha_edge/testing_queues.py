"""For tests of the queues' model: markets whose queues foretell their moves, and ones of any kind."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from hypothesis import strategies as st

from noderr.alpha_edge.answers import Abstained, Forecast, Reason
from noderr.alpha_edge.queue_imbalance import ImbalanceParameters, QueueImbalance
from noderr.alpha_edge.testing import START_NS, TICK, view
from noderr.types.trading.market_view import MarketView
from noderr.utils import seeded

SECOND_NS = 1_000_000_000
STEP_NS = 200_000_000
QUICK = ImbalanceParameters(horizon_seconds=10, window_seconds=900, certainty_bps=5_000)
MID = Decimal(20)
SPREAD = TICK * 2
HEAVY, LIGHT = 90, 10  # An imbalance of 0.8, of the strongest of three strengths.


def book(bid: Decimal, sizes: tuple[int, int], number: int, at_ns: int | None = None) -> MarketView:
    at_ns = START_NS + number * STEP_NS if at_ns is None else at_ns
    return view((str(bid), str(sizes[0])), (str(bid + SPREAD), str(sizes[1])), at_ns=at_ns, sequence=number)


def market(chance: float, moves: int, seed: int, waits: int = 2) -> list[MarketView]:
    """Each move of a tick goes the way of the queues before it with this chance; they stand for `waits` steps."""
    rng = seeded(seed, "market")
    bid = MID
    views: list[MarketView] = []
    for _ in range(moves):
        up = rng.random() < 0.5
        sizes = (HEAVY, LIGHT) if up else (LIGHT, HEAVY)
        views += [book(bid, sizes, len(views) + 1 + more) for more in range(waits)]
        bid += TICK if up == (rng.random() < chance) else -TICK
    return [*views, book(bid, (HEAVY, LIGHT), len(views) + 1)]


def said(
    views: Sequence[MarketView], parameters: ImbalanceParameters = QUICK, late_ns: int = 0
) -> Forecast | Abstained:
    """What it says at the time of the last view."""
    return fed(views, parameters).forecast(views[-1].received_ns + late_ns)


def fed(views: Sequence[MarketView], parameters: ImbalanceParameters = QUICK) -> QueueImbalance:
    machine = QueueImbalance(parameters)
    for one in views:
        machine.on_view(one)
    return machine


def forecast(views: Sequence[MarketView], parameters: ImbalanceParameters = QUICK) -> Forecast:
    found = said(views, parameters)
    assert isinstance(found, Forecast), found
    return found


def reason(found: Forecast | Abstained) -> Reason:
    assert isinstance(found, Abstained), found
    return found.reason


@st.composite
def markets(draw: st.DrawFn) -> list[MarketView]:
    """Steps of the mid, queues and times of any kind, with views that are lost and books that are not known."""
    steps = draw(
        st.lists(
            st.tuples(
                st.sampled_from([-2, -1, 0, 0, 1, 2]),
                st.integers(1, 100),
                st.integers(1, 100),
                st.sampled_from([0, 100, 250, 1_000, 3_000]),
                st.sampled_from(["view"] * 8 + ["lost", "unknown"]),
            ),
            min_size=30,
            max_size=80,
        )
    )
    bid, at_ns, number, views = MID, START_NS, 0, []
    for ticks, bid_size, ask_size, after_ms, kind in steps:
        bid += ticks * TICK
        at_ns += after_ms * 1_000_000
        number += 1
        if kind == "unknown":
            views.append(view(None, None, at_ns=at_ns, sequence=number))
        elif kind == "view":
            views.append(book(bid, (bid_size, ask_size), number, at_ns))
    return [*views, book(bid, (70, 30), number + 1, at_ns + 100_000_000)]


LOOSE = ImbalanceParameters(least_moves=2, window_seconds=900, certainty_bps=5_000)
"""Forecasts from the second move on."""
