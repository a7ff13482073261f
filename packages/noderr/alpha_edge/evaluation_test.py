"""Figures of forecasts by hand, and the interval against scipy's."""

from __future__ import annotations

import math
from copy import replace
from itertools import pairwise

import pytest
from scipy import stats

from noderr.alpha_edge.answers import Abstained, Forecast, Reason
from noderr.alpha_edge.errors import EvaluationError
from noderr.alpha_edge.evaluation import Evaluator, wilson_interval

SECOND_NS = 1_000_000_000
MID_E8 = 100_00000000
UP = Forecast(prediction_e8=1_000, confidence_bps=7_000, mid_price_e8=MID_E8, observed_at_s=1)
DOWN = replace(UP, prediction_e8=-1_000, confidence_bps=6_000)


def test_each_figure_by_hand() -> None:
    up_e8 = math.log(1.00001) * 1e8
    judge = Evaluator(10)
    judge.on_mid(0, MID_E8)
    judge.on_answer(0, UP)
    judge.on_answer(5 * SECOND_NS, DOWN)
    judge.on_answer(6 * SECOND_NS, Abstained(Reason.NO_SKILL))
    judge.on_mid(10 * SECOND_NS, 100_00100000)  # Just when the first ends: it rose. The second ends with it, too.
    judge.on_answer(20 * SECOND_NS, replace(UP, mid_price_e8=100_00100000))  # Nothing moves.
    judge.on_mid(40 * SECOND_NS, None)
    judge.on_answer(41 * SECOND_NS, UP)  # Nobody knows what came.
    judge.on_mid(60 * SECOND_NS, MID_E8)
    judge.on_answer(61 * SECOND_NS, UP)  # Not over yet.
    found = judge.result()
    assert (found.asked, found.abstained, found.unresolved) == (6, {Reason.NO_SKILL: 1}, 2)
    assert (found.forecasts, found.directions, found.hits, found.independent) == (3, 2, 1, 1)
    assert found.hit_rate == 0.5
    assert found.brier == pytest.approx((0.3**2 + 0.6**2) / 2)
    errors = (up_e8 - 1_000) ** 2 + (up_e8 + 1_000) ** 2 + 1_000**2
    assert found.r_squared == pytest.approx(1 - errors / (2 * up_e8**2))
    assert (found.hit_rate_low, found.hit_rate_high) == wilson_interval(0.5, 1)
    assert str(found).startswith("6 asked: 3 forecasts, 2 unresolved, abstained: NO_SKILL 1; direction 1/2")


def test_who_always_knows_is_perfect_and_who_knows_nothing_is_even() -> None:
    sure, even = Evaluator(1), Evaluator(1)
    mids = [MID_E8 + 10_000 * ((7 * place) % 5) for place in range(100)]
    for place, (mid, later) in enumerate(pairwise(mids)):
        realised = round(math.log(later / mid) * 1e8)
        for judge, sureness, way in ((sure, 10_000, realised), (even, 5_000, 1 if place % 2 else -1)):
            judge.on_mid(place * SECOND_NS, mid)
            judge.on_answer(
                place * SECOND_NS, replace(UP, prediction_e8=way, confidence_bps=sureness, mid_price_e8=mid)
            )
    perfect, nothing = sure.result(), even.result()
    assert (perfect.hit_rate, perfect.brier) == (1.0, 0.0)
    assert perfect.independent == perfect.directions == 97
    assert perfect.r_squared == pytest.approx(1)
    assert nothing.brier == 0.25
    assert nothing.r_squared == pytest.approx(0, abs=0.01)


def test_without_forecasts_no_figure_is_made_up() -> None:
    judge = Evaluator(1)
    judge.on_answer(1, Abstained(Reason.NO_VIEW))
    found = judge.result()
    assert [found.brier, found.r_squared, found.hit_rate, found.hit_rate_low, found.hit_rate_high] == [None] * 5
    assert "Brier none" in str(found)


@pytest.mark.parametrize(("hits", "count"), [(0, 10), (7, 10), (50, 100), (3, 3)])
def test_the_interval_is_scipys(hits: int, count: int) -> None:
    theirs = stats.binomtest(hits, count).proportion_ci(method="wilson")
    assert wilson_interval(hits / count, count) == pytest.approx((theirs.low, theirs.high), abs=1e-6)


def test_time_that_goes_back_and_mids_that_are_none_are_refused() -> None:
    judge = Evaluator(1)
    judge.on_mid(5, MID_E8)
    with pytest.raises(EvaluationError, match="in order of time"):
        judge.on_mid(4, MID_E8)
    with pytest.raises(EvaluationError, match="in order of time"):
        judge.on_answer(4, UP)
    with pytest.raises(EvaluationError, match="above 0"):
        judge.on_mid(6, 0)
    with pytest.raises(EvaluationError, match="at least"):
        wilson_interval(0.5, 0)
