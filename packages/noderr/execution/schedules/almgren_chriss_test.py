from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from noderr.execution.errors import ScheduleError
from noderr.execution.schedules.almgren_chriss import Trajectory, almgren_chriss

# Table 1 of the paper: a stock at 50 with 30 % volatility a year, a spread of 1/8, and 5 million shares traded a day.
PAPER: dict[str, Any] = {"sigma": 0.95, "eta": 2.5e-6, "gamma": 2.5e-7}
X, T, N = 1e6, 5.0, 5

costs = st.fixed_dictionaries(
    {
        "sigma": st.floats(0.01, 5),
        "eta": st.floats(1e-6, 1e-4),
        "gamma": st.floats(0, 1e-7),
        "risk_aversion": st.floats(1e-8, 1e-4),
        "epsilon": st.floats(0, 0.1),
    }
)


def test_the_example_of_the_paper() -> None:
    found = almgren_chriss(X, T, N, risk_aversion=1e-6, **PAPER)
    assert found.kappa == pytest.approx(0.607, abs=5e-4)
    assert [round(held) for held in found.holdings] == [1_000_000, 541_956, 289_854, 147_897, 62_142, 0]
    assert list(found.times) == [0, 1, 2, 3, 4, 5]
    assert sum(found.trades) == X


def test_the_costs_of_the_paper_s_straight_line() -> None:
    """Its closed forms for the strategy of least impact: no risk aversion, and half a spread of 1/16."""
    found = almgren_chriss(X, T, N, risk_aversion=0, epsilon=0.0625, **PAPER)
    assert found.kappa == 0
    assert found.expected_cost == pytest.approx(
        0.5 * 2.5e-7 * X**2 + 0.0625 * X + (2.5e-6 - 0.5 * 2.5e-7 * T / N) * X**2 / T
    )
    assert found.variance == pytest.approx(0.95**2 * X**2 * T / 3 * (1 - 1 / N) * (1 - 1 / (2 * N)))


@settings(max_examples=60, deadline=None)
@given(costs, st.integers(1, 40), st.floats(0.1, 10))
def test_the_closed_forms_of_cost_and_variance(given: dict[str, float], intervals: int, duration: float) -> None:
    """The paper's E and V of the best trajectory, in hyperbolic functions; ours are sums over the trades."""
    found = almgren_chriss(X, duration, intervals, **given)
    tau, kappa = duration / intervals, found.kappa
    assume(kappa * duration < 300 and kappa * tau > 1e-3)  # Elsewhere the paper's forms overflow, or lose digits.
    eta = given["eta"] - given["gamma"] * tau / 2
    sinh, cosh = math.sinh, math.cosh
    cost = 0.5 * given["gamma"] * X**2 + given["epsilon"] * X
    cost += (
        eta
        * X**2
        * math.tanh(kappa * tau / 2)
        * (tau * sinh(2 * kappa * duration) + 2 * duration * sinh(kappa * tau))
        / (2 * tau**2 * sinh(kappa * duration) ** 2)
    )
    variance = 0.5 * (given["sigma"] * X) ** 2
    variance *= tau * sinh(kappa * duration) * cosh(kappa * (duration - tau)) - duration * sinh(kappa * tau)
    variance /= sinh(kappa * duration) ** 2 * sinh(kappa * tau)
    assert found.expected_cost == pytest.approx(cost, rel=1e-6)
    assert found.variance == pytest.approx(variance, rel=1e-6, abs=1e-6 * (given["sigma"] * X) ** 2 * tau)


@settings(max_examples=25, deadline=None)
@given(costs, st.integers(2, 8))
def test_no_optimiser_finds_a_better_trajectory(given: dict[str, float], intervals: int) -> None:
    """E and V from their definitions, minimised by scipy over all trajectories."""
    found = almgren_chriss(X, T, intervals, **given)
    tau = T / intervals
    mu = given["risk_aversion"]

    def utility(inner: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        held = np.concatenate(([1.0], inner, [0.0])) * X
        traded = -np.diff(held)
        # Permanent impact moves what is still held; the temporary one hits what is traded.
        impact = given["gamma"] * np.sum(traded * held[1:]) + np.sum(
            given["epsilon"] * np.abs(traded) + given["eta"] / tau * traded**2
        )
        return float(impact + mu * given["sigma"] ** 2 * tau * np.sum(held[1:] ** 2))

    ours = np.array(found.holdings[1:-1]) / X
    scale = utility(ours)

    def relative(inner: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        return utility(inner) / scale

    start: list[float] = [0.5] * (intervals - 1)
    best = minimize(relative, start, method="BFGS")
    assert scale == pytest.approx(found.expected_cost + mu * found.variance, rel=1e-9)
    assert best.fun >= 1 - 1e-9
    # BFGS from a flat start comes near the same place.
    assert best.fun == pytest.approx(1, abs=1e-4)


@settings(max_examples=60, deadline=None)
@given(costs, st.integers(1, 100), st.floats(0.01, 100))
def test_holdings_only_fall_and_faster_at_first(given: dict[str, float], intervals: int, duration: float) -> None:
    given = given | {"gamma": 0.0}
    found = almgren_chriss(X, duration, intervals, **given)
    assert found.holdings[0] == X
    assert found.holdings[-1] == 0
    assert all(traded >= 0 for traded in found.trades)
    assert all(before >= after - 1e-9 * X for before, after in zip(found.trades, found.trades[1:], strict=False))


@pytest.mark.parametrize("risk_aversion", [0.0, 1e-30, 1e-18, 5e-324])
def test_without_risk_aversion_it_is_twap(risk_aversion: float) -> None:
    found = almgren_chriss(X, T, N, risk_aversion=risk_aversion, **PAPER)
    assert found.holdings == pytest.approx([1e6, 8e5, 6e5, 4e5, 2e5, 0])


def test_great_risk_aversion_sells_at_once_and_overflows_nowhere() -> None:
    found = almgren_chriss(X, T, N, risk_aversion=1e12, **PAPER)
    assert found.trades[0] == pytest.approx(X)
    assert math.isfinite(found.expected_cost)


def test_more_risk_aversion_costs_more_and_varies_less() -> None:
    """The frontier of the paper's figure 1."""
    frontier: list[Trajectory] = [
        almgren_chriss(X, T, N, risk_aversion=10.0**power, **PAPER) for power in range(-9, -3)
    ]
    assert [one.expected_cost for one in frontier] == sorted(one.expected_cost for one in frontier)
    assert [one.variance for one in frontier] == sorted((one.variance for one in frontier), reverse=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"sigma": -1.0},
        {"sigma": math.nan},
        {"eta": 0.0},
        {"gamma": -1e-9},
        {"gamma": 1e-5},
        {"risk_aversion": math.inf},
        {"epsilon": -1.0},
    ],
)
def test_what_has_no_trajectory_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ScheduleError):
        almgren_chriss(X, T, N, **{**PAPER, "risk_aversion": 1e-6, **changes})
    for quantity, duration, intervals in ((0.0, T, N), (X, -1.0, N), (X, T, 0)):
        with pytest.raises(ScheduleError):
            almgren_chriss(quantity, duration, intervals, risk_aversion=1e-6, **PAPER)
