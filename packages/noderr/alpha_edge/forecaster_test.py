"""A market with a law is foretold and one without is not; mirrored, scaled and cut markets get what they must."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from copy import replace
from decimal import Decimal

import numpy as np
import pytest
from scipy import stats

from noderr.alpha_edge.answers import Abstained, Forecast, Insufficient, Reason
from noderr.alpha_edge.bars import cut_bars
from noderr.alpha_edge.forecaster import Forecaster
from noderr.alpha_edge.impact_model import fit_impact, fit_model
from noderr.alpha_edge.micro_price import MicroPrice, fit_micro_price
from noderr.alpha_edge.parameters import ModelParameters
from noderr.alpha_edge.quote_history import Quote, QuoteHistory
from noderr.alpha_edge.testing import START_NS, TICK, Law, mirrored, scaled, simulate
from noderr.types.trading.market_view import MarketView

SECOND_NS = 1_000_000_000
PARAMETERS = ModelParameters(
    horizon_seconds=1, bar_ms=1_000, window_bars=180, min_bars=60, min_moves=20, min_visits=5, significance_bps=500
)
FORETOLD = Law(foretold=1.0, noise=1.5)
SEEDS = 100


def machine(views: Sequence[MarketView], parameters: ModelParameters = PARAMETERS) -> Forecaster:
    made = Forecaster(parameters)
    for one in views:
        made.on_view(one)
    return made


def quotes_of(views: Sequence[MarketView]) -> list[Quote]:
    history = QuoteHistory(keep_ns=1_000 * SECOND_NS, max_age_ns=2 * SECOND_NS, levels=1)
    for one in views:
        history.add(one)
    return list(history.quotes)


def answer(views: Sequence[MarketView], parameters: ModelParameters = PARAMETERS) -> Forecast | Abstained:
    return machine(views, parameters).forecast(views[-1].received_ns)


def forecast(views: Sequence[MarketView]) -> Forecast:
    given = answer(views)
    assert isinstance(given, Forecast), given
    return given


@pytest.mark.parametrize("bursts", [False, True], ids=["steady", "in bursts"])
def test_a_market_without_a_relation_is_hardly_ever_foretold(bursts: bool) -> None:
    law = Law(foretold=0.0, noise=1.5, bursts=bursts)
    answers = [answer(simulate(law, seed)) for seed in range(SEEDS)]
    reasons = Counter(one.reason for one in answers if isinstance(one, Abstained))
    assert reasons.total() >= 0.95 * SEEDS, reasons
    assert set(reasons) <= {Reason.NOT_SIGNIFICANT, Reason.NO_SKILL, Reason.MICRO_PRICE}


def test_a_known_slope_is_found_within_its_error_and_foretold() -> None:
    inside, foretold, right = 0, 0, 0
    for seed in range(40):
        views = simulate(FORETOLD, seed)
        quotes = quotes_of(views)
        bars = cut_bars(quotes, views[-1].received_ns, bar_ns=SECOND_NS, max_age_ns=2 * SECOND_NS, count=179)
        micro = fit_micro_price(
            quotes[: bars.ends[58] + 1], imbalance_buckets=5, spread_buckets=2, min_moves=20, min_visits=5
        )
        assert isinstance(micro, MicroPrice)
        model = fit_model(bars.since(59), quotes, micro, PARAMETERS).next_move
        allowed = stats.t.ppf(0.975, model.freedom) * model.standard_errors[0]
        inside += abs(model.slopes[0] - FORETOLD.foretold * float(TICK)) <= allowed
        given = answer(views)
        if isinstance(given, Forecast):
            foretold += 1
            right += (given.prediction_e8 > 0) == (model.slopes[0] * bars.flow[-1] > 0)
            assert 5_000 < given.confidence_bps < 10_000
    assert stats.binomtest(inside, 40, 0.95).pvalue > 0.01
    assert foretold >= 38
    assert right >= 0.9 * foretold


def test_the_impact_of_cont_kukanov_and_stoikov_is_found_within_its_error() -> None:
    """Bars whose move is beta x flow + noise, cut from true quotes: the flow is the market's, the move is made."""
    rng = np.random.default_rng(1)
    inside = 0
    for seed in range(40):
        views = simulate(Law(foretold=0.0, noise=1.5, bars=80), seed)
        quotes = quotes_of(views)
        bars = cut_bars(quotes, views[-1].received_ns, bar_ns=SECOND_NS, max_age_ns=2 * SECOND_NS, count=79)
        result = fit_impact(replace(bars, move=0.002 * bars.flow + rng.normal(0, 0.004, 79)))
        assert not isinstance(result, Insufficient)
        inside += abs(result.slopes[0] - 0.002) <= stats.t.ppf(0.975, 77) * result.standard_errors[0]
    assert stats.binomtest(inside, 40, 0.95).pvalue > 0.01


@pytest.mark.parametrize("seed", range(5))
def test_a_mirrored_market_has_the_mirrored_forecast_to_the_digit(seed: int) -> None:
    views = simulate(FORETOLD, seed)
    given = forecast(views)
    assert given.prediction_e8 != 0
    assert forecast(mirrored(views)) == replace(given, prediction_e8=-given.prediction_e8)


@pytest.mark.parametrize("seed", range(3))
def test_units_do_not_matter(seed: int) -> None:
    views = simulate(FORETOLD, seed)
    given = forecast(views)
    doubled = forecast(scaled(views, Decimal(4), Decimal("0.125")))
    assert doubled == replace(given, mid_price_e8=4 * given.mid_price_e8)
    tenth = forecast(scaled(views, Decimal("0.01"), Decimal(1000)))
    assert tenth.prediction_e8 == pytest.approx(given.prediction_e8, abs=1)
    assert tenth.confidence_bps == pytest.approx(given.confidence_bps, abs=1)


def test_what_comes_later_changes_nothing() -> None:
    views = simulate(replace(FORETOLD, bars=240), 1)
    parameters = replace(PARAMETERS, window_bars=120, long_bars=60, min_bars=60)
    whole = machine(views[:-10], parameters)
    at_ns = views[-15].received_ns + 1
    given = machine(views[:-14], parameters).forecast(at_ns)
    assert isinstance(given, Forecast)
    assert whole.forecast(at_ns) == given
    # And whatever it is that comes.
    other = machine(views[:-14], parameters)
    for one in scaled(views[-14:-10], Decimal(2), Decimal(3)):
        other.on_view(one)
    assert other.forecast(at_ns) == given


def test_why_there_is_no_forecast() -> None:
    views = simulate(FORETOLD, 1)
    end_ns = views[-1].received_ns
    lost = replace(views[-1], bids=(), asks=(), known=False)
    one_sided = replace(views[-1], asks=())
    torn = [replace(one, sequence=one.sequence + 5 * (place > 600)) for place, one in enumerate(views)]
    still = [replace(views[0], received_ns=one.received_ns, sequence=one.sequence) for one in views]
    assert Forecaster(PARAMETERS).forecast(end_ns) == Abstained(Reason.NO_VIEW)
    for given, reason in [
        (machine(views).forecast(end_ns + 3 * SECOND_NS), Reason.LATE),
        (machine(views).forecast(START_NS - SECOND_NS), Reason.LATE),
        (answer([*views[:-1], lost]), Reason.BOOK_UNKNOWN),
        (answer([*views[:-1], one_sided]), Reason.BOOK_UNKNOWN),
        (answer(views[-300:]), Reason.TOO_SHORT),
        (answer([*views[:-3], *views[-2:]]), Reason.TOO_SHORT),
        (answer(still), Reason.MICRO_PRICE),
        (answer(views, replace(PARAMETERS, min_visits=100_000)), Reason.TOO_SHORT),
        (answer(scaled(views, Decimal("1e-30"), Decimal(1))), Reason.OUT_OF_RANGE),
    ]:
        assert isinstance(given, Abstained), (given, reason)
        assert given.reason is reason, given
        assert str(given).startswith(reason.value)
    # One gap long ago costs a bar and no more.
    assert isinstance(answer(torn), Forecast)


def test_the_numbers_of_a_forecast_are_the_markets() -> None:
    views = simulate(FORETOLD, 1)
    given = forecast(views)
    bid, ask = views[-1].bids[0].price, views[-1].asks[0].price
    assert given.mid_price_e8 == (bid + ask) * 50_000_000
    assert given.observed_at_s == views[-1].received_ns // SECOND_NS
