"""Several validators' streams: the median of most of them, or nothing."""

from __future__ import annotations

from copy import replace
from decimal import Decimal

import pytest

from noderr.alpha_edge.answers import Abstained, Forecast, Reason
from noderr.alpha_edge.errors import ParameterError, StreamError, ViewError
from noderr.alpha_edge.panel import Panel, median_forecast
from noderr.alpha_edge.parameters import ModelParameters
from noderr.alpha_edge.testing import SYMBOL, VENUE, Law, mirrored, scaled, simulate

PARAMETERS = ModelParameters(horizon_seconds=1, window_bars=180, min_bars=60, min_moves=20, min_visits=5)
VIEWS = simulate(Law(foretold=1.5, noise=1.5), 1)
END_NS = VIEWS[-1].received_ns
ONE = Forecast(prediction_e8=10, confidence_bps=6_000, mid_price_e8=100, observed_at_s=50)


def panel(*validators: str) -> Panel:
    return Panel(SYMBOL, validators, [VENUE, "other"], PARAMETERS)


def tell(to: Panel, validator: str, views: list) -> None:  # type: ignore[type-arg]
    for one in views:
        to.on_view(validator, one)


def test_validators_who_see_the_same_say_the_same() -> None:
    alone, three = panel("a"), panel("a", "b", "c")
    for validator in "abc":
        tell(three, validator, VIEWS)
    tell(alone, "a", VIEWS)
    given = alone.forecast(END_NS)
    assert isinstance(given, Forecast)
    assert three.forecast(END_NS) == given


def test_half_of_the_known_validators_is_not_enough() -> None:
    made = panel("a", "b", "c", "d")
    assert made.forecast(END_NS) == Abstained(Reason.NO_VIEW, "all 4 validators")
    tell(made, "a", VIEWS)
    tell(made, "b", VIEWS)
    tell(made, "c", VIEWS[:-20])  # Late by four seconds.
    given = made.forecast(END_NS)
    assert given == Abstained(Reason.TOO_FEW_VALIDATORS, "2 of 4; 1 x LATE, 1 x NO_VIEW")
    tell(made, "d", VIEWS)
    assert isinstance(made.forecast(END_NS), Forecast)


def test_one_liar_of_three_moves_nothing_beyond_what_the_others_say() -> None:
    lies = [mirrored(VIEWS), scaled(VIEWS, Decimal(7), Decimal(1)), VIEWS[:10]]
    honest = panel("a")
    tell(honest, "a", VIEWS)
    for lie in lies:
        made = panel("a", "b", "liar")
        tell(made, "a", VIEWS)
        tell(made, "liar", lie)
        tell(made, "b", VIEWS)
        assert made.forecast(END_NS) == honest.forecast(END_NS)


def test_a_validator_of_many_venues_is_one_voice() -> None:
    made = panel("a", "b", "c")
    tell(made, "a", VIEWS)
    tell(made, "a", [replace(one, venue="other") for one in VIEWS])
    given = made.forecast(END_NS)
    assert isinstance(given, Abstained)
    assert given.detail.startswith("1 of 3")


def test_what_nobody_asked_for_is_refused() -> None:
    made = panel("a")
    for validator, view in [
        ("z", VIEWS[0]),
        ("a", replace(VIEWS[0], venue="elsewhere")),
        ("a", replace(VIEWS[0], symbol="ETH/USD")),
    ]:
        with pytest.raises(StreamError, match="is not asked of these"):
            made.on_view(validator, view)
    made.on_view("a", VIEWS[1])
    with pytest.raises(ViewError, match="before"):
        made.on_view("a", VIEWS[0])
    with pytest.raises(ParameterError):
        Panel(SYMBOL, [], [VENUE], PARAMETERS)


@pytest.mark.parametrize(
    ("said", "prediction_e8", "confidence_bps"),
    [
        ([(10, 6_000), (30, 9_000), (20, 7_000)], 20, 7_000),
        ([(10, 6_000), (15, 7_001)], 12, 6_500),
        ([(-10, 6_000), (-15, 7_001)], -12, 6_500),
        ([(10, 9_000), (-10, 9_000)], 0, 5_000),
        ([(40, 5_100), (-10, 9_000)], 15, 5_000),  # Who is surer says the opposite: sure of nothing.
        ([(10, 9_000), (10, 8_000), (-90, 9_900)], 10, 8_000),
    ],
)
def test_the_median_of_forecasts(said: list[tuple[int, int]], prediction_e8: int, confidence_bps: int) -> None:
    forecasts = [replace(ONE, prediction_e8=way, confidence_bps=sure) for way, sure in said]
    assert median_forecast(forecasts) == replace(ONE, prediction_e8=prediction_e8, confidence_bps=confidence_bps)
    assert median_forecast(forecasts[::-1]) == median_forecast(forecasts)
