"""What the queues foretell: the relation that the market has, none where it has none, and nothing that is guessed."""

from __future__ import annotations

import copy
import math
from fractions import Fraction

import pytest

from noderr.alpha_edge.answers import EVEN_BPS, Abstained, Forecast, Reason
from noderr.alpha_edge.errors import ParameterError, ViewError
from noderr.alpha_edge.queue_imbalance import ImbalanceParameters, QueueImbalance
from noderr.alpha_edge.testing import START_NS, TICK, view
from noderr.alpha_edge.testing_queues import (
    HEAVY,
    LIGHT,
    QUICK,
    SECOND_NS,
    STEP_NS,
    book,
    fed,
    forecast,
    market,
    reason,
    said,
)


@pytest.mark.parametrize("chance", [0.8, 0.2])
def test_a_relation_that_the_market_has_is_found(chance: float) -> None:
    moves = 1_000
    found = forecast(market(chance, moves, seed=3))
    # The posterior's own spread, three of its standard deviations on either side.
    spread = 3 * math.sqrt(chance * (1 - chance) / moves)
    assert abs(found.confidence_bps / 10_000 - 0.8) < spread
    assert (found.prediction_e8 > 0) == (chance > 0.5)


def test_without_a_relation_the_chance_stays_near_a_half() -> None:
    for seed in range(5):
        assert abs(forecast(market(0.5, 1_000, seed)).confidence_bps - EVEN_BPS) < 500


def test_the_move_is_what_it_says() -> None:
    """All moves are a tick, one each 0.4 s, and all go the queues' way: (1 + n) / (2 + n) after n of them."""
    moves = 500
    found = forecast(market(1.0, moves, seed=1))
    chance = Fraction(1 + moves, 2 + moves)
    move = float(2 * chance - 1) * float(TICK) * (1 - math.exp(-10 / 0.4))
    assert found.confidence_bps == math.floor(chance * 10_000)
    assert abs(found.prediction_e8 - move / (found.mid_price_e8 / 1e8) * 1e8) <= 0.5
    assert found.observed_at_s == (START_NS + (2 * moves + 1) * STEP_NS) // SECOND_NS


def test_a_short_horizon_promises_less_of_the_move() -> None:
    views = market(1.0, 200, seed=1)
    short, long = (forecast(views, ImbalanceParameters(horizon_seconds=seconds)) for seconds in (1, 60))
    assert 0 < short.prediction_e8 < long.prediction_e8
    # A move comes each 0.4 s: within one second in 92 of 100 cases.
    assert short.prediction_e8 / long.prediction_e8 == pytest.approx(1 - math.exp(-1 / 0.4), abs=0.001)


def test_a_gap_clears_what_was_waited_for() -> None:
    """Ten moves the queues' way, and one the other way, over a view that was lost: it is no move at all."""
    views = market(1.0, 10, seed=1)
    last = views[-1]
    whole = forecast(views)
    down = book(last.bids[0].price - TICK, (HEAVY, LIGHT), last.sequence + 2, last.received_ns + STEP_NS)
    after = forecast([*views, down])
    assert after.confidence_bps == whole.confidence_bps == math.floor(Fraction(11, 12) * 10_000)
    follows = copy.replace(down, sequence=last.sequence + 1)
    assert forecast([*views, follows]).confidence_bps == math.floor(Fraction(11, 13) * 10_000)


def test_a_book_that_was_lost_clears_it_too() -> None:
    views = market(1.0, 10, seed=1)
    last = views[-1]
    lost = view(None, None, at_ns=last.received_ns + STEP_NS, sequence=last.sequence + 1)
    again = book(last.bids[0].price - TICK, (HEAVY, LIGHT), last.sequence + 2, last.received_ns + 2 * STEP_NS)
    assert forecast([*views, lost, again]).confidence_bps == forecast(views).confidence_bps
    assert reason(said([*views, lost])) is Reason.BOOK_UNKNOWN


def test_balanced_queues_foretell_nothing() -> None:
    views = market(1.0, 50, seed=1)
    last = views[-1]
    even = book(last.bids[0].price, (52, 48), last.sequence + 1, last.received_ns + STEP_NS)
    found = forecast([*views, even])
    assert (found.prediction_e8, found.confidence_bps) == (0, EVEN_BPS)


def test_it_abstains_until_it_has_seen_enough_moves() -> None:
    parameters = ImbalanceParameters(least_moves=20)
    assert reason(said(market(1.0, 19, seed=1), parameters)) is Reason.TOO_SHORT
    forecast(market(1.0, 20, seed=1), parameters)


def test_moves_before_the_window_do_not_count() -> None:
    views = market(1.0, 40, seed=1)
    assert reason(said(views, ImbalanceParameters(window_seconds=3))) is Reason.TOO_SHORT
    forecast(views, ImbalanceParameters(window_seconds=5))


def test_without_views_or_with_late_ones_it_abstains() -> None:
    assert QueueImbalance(QUICK).forecast(START_NS) == Abstained(Reason.NO_VIEW)
    views = market(0.8, 100, seed=1)
    assert isinstance(said(views, late_ns=QUICK.max_age_ns), Forecast)
    assert reason(said(views, late_ns=QUICK.max_age_ns + 1)) is Reason.LATE
    assert reason(said(views, late_ns=1_000 * SECOND_NS)) is Reason.LATE


def test_a_view_that_cannot_follow_changes_nothing() -> None:
    views = market(0.8, 100, seed=1)
    machine = fed(views)
    before = machine.forecast(views[-1].received_ns)
    for wrong in (views[-1], copy.replace(views[-1], sequence=1_000, received_ns=views[-2].received_ns - 1)):
        with pytest.raises(ViewError):
            machine.on_view(wrong)
    assert machine.forecast(views[-1].received_ns) == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("horizon_seconds", 0),
        ("window_seconds", 86_401),
        ("max_age_ms", -1),
        ("strengths", 51),
        ("least_moves", 1),
        ("least_moves", True),
        ("strengths", 2.0),
    ],
)
def test_parameters_that_make_no_model_are_refused(name: str, value: object) -> None:
    with pytest.raises(ParameterError, match=name):
        copy.replace(QUICK, **{name: value})  # type: ignore[arg-type]  # that is what is tested
