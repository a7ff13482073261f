"""Regimes by hand; the jump test by its promise: rare without jumps, sure with one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from noderr.alpha_edge.answers import Insufficient
from noderr.alpha_edge.volatility_regime import Regime, Volatility, jump_statistic, volatility


@pytest.mark.parametrize(
    ("newest", "ratio", "regime"),
    [(1.0, 1.0, Regime.NORMAL), (2.0, 16 / 7, Regime.TURBULENT), (0.5, 4 / 13, Regime.CALM)],
)
def test_the_short_window_against_the_long_one(newest: float, ratio: float, regime: Regime) -> None:
    returns = np.array([9.0] * 5 + [1.0, -1.0] * 30 + [newest, -newest] * 10)
    found = volatility(returns, short=20, long=80)
    assert isinstance(found, Volatility)
    assert found.regime is regime
    assert found.ratio == pytest.approx(ratio)


def test_too_little_is_said_so() -> None:
    for returns in (np.ones(79), np.zeros(100)):
        assert isinstance(volatility(returns, short=20, long=80), Insufficient)


def test_the_jump_statistic_is_the_formula() -> None:
    r = np.array([0.1, -0.2, 0.15, -0.1, 0.3, 0.05])
    a = np.abs(r)
    bipower = math.pi / 2 * sum(a[i] * a[i - 1] for i in range(1, 6))
    quadpower = 6 * (math.pi / 2) ** 2 * sum(a[i] * a[i - 1] * a[i - 2] * a[i - 3] for i in range(3, 6))
    theta = math.pi**2 / 4 + math.pi - 5
    expected = (1 - bipower / sum(a**2)) * math.sqrt(6) / math.sqrt(theta * max(1, quadpower / bipower**2))
    assert jump_statistic(r) == pytest.approx(expected)
    assert jump_statistic(r * 1e-100) == pytest.approx(expected)
    assert jump_statistic(np.array([0.0, 1.0, 0.0, 1.0])) is None


def test_jumps_are_rare_where_there_are_none_and_found_where_there_is_one() -> None:
    rng = np.random.default_rng(1)
    false, found = 0, 0
    for _ in range(500):
        returns = rng.normal(0, 1, 400)
        false += volatility_of(returns).jumped
        returns[200] += 12
        found += volatility_of(returns).jumped
    assert false <= 0.03 * 500
    assert found >= 0.97 * 500


def volatility_of(returns: np.typing.NDArray[np.float64]) -> Volatility:
    result = volatility(returns, short=20, long=400)
    assert isinstance(result, Volatility)
    return result
