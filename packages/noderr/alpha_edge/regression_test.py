"""Least squares against scipy and numpy, and the out-of-sample test against what it promises."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from noderr.alpha_edge.answers import Insufficient
from noderr.alpha_edge.regression import Regression, Skill, fit, skill, walk_forward


def regression(y: object, x: object) -> Regression:
    result = fit(np.asarray(y, dtype=float), np.asarray(x, dtype=float))
    assert isinstance(result, Regression)
    return result


def record(y: object, forecasts: object) -> Skill:
    result = skill(np.asarray(y, dtype=float), np.asarray(forecasts, dtype=float))
    assert isinstance(result, Skill)
    return result


def test_one_column_is_scipys_linregress() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(3, 2, 50)
    y = 0.25 * x - 1 + rng.normal(0, 1, 50)
    ours, theirs = regression(y, x[:, None]), stats.linregress(x, y)
    assert ours.slopes[0] == pytest.approx(theirs.slope)
    assert ours.intercept == pytest.approx(theirs.intercept)
    assert ours.standard_errors[0] == pytest.approx(theirs.stderr)
    assert ours.r_squared == pytest.approx(theirs.rvalue**2)
    assert ours.p_value == pytest.approx(theirs.pvalue)  # F of one slope is its t squared.


def test_two_columns_of_very_different_size_are_the_textbooks_formulas() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(0, 1, (40, 2)) * [1, 1e-6]
    y = x @ [2, 3e5] + rng.normal(0, 1, 40)
    ours = regression(y, x)
    design = np.column_stack([np.ones(40), x])
    solution, residual, *_ = np.linalg.lstsq(design, y)
    variance = residual[0] / 37
    errors = np.sqrt(variance * np.diag(np.linalg.inv(design.T @ design)))
    assert ours.slopes == pytest.approx(solution[1:], rel=1e-6)
    assert ours.standard_errors == pytest.approx(errors[1:], rel=1e-6)
    assert ours.residual_variance == pytest.approx(variance)
    f = ours.r_squared / 2 / ((1 - ours.r_squared) / 37)
    assert ours.p_value == pytest.approx(stats.f.sf(f, 2, 37))


def test_the_known_slope_is_within_its_error_as_often_as_it_should() -> None:
    rng = np.random.default_rng(3)
    within = 0
    for _ in range(400):
        x = rng.normal(0, 1, (30, 1))
        result = regression(0.5 * x[:, 0] + rng.normal(0, 1, 30), x)
        within += abs(result.slopes[0] - 0.5) <= stats.t.ppf(0.975, 28) * result.standard_errors[0]
    assert stats.binomtest(within, 400, 0.95).pvalue > 0.01


def test_what_does_not_vary_has_no_slope_and_what_is_nothing_no_regression() -> None:
    rng = np.random.default_rng(4)
    x = np.column_stack([rng.normal(0, 1, 20), np.full(20, 0.1)])
    y = x[:, 0] + rng.normal(0, 1, 20)
    result = regression(y, x)
    alone = regression(y, x[:, :1])
    assert (result.slopes[1], result.standard_errors[1]) == (0, math.inf)
    assert (result.slopes[0], result.p_value) == pytest.approx((alone.slopes[0], alone.p_value))
    for bad_y, bad_x in [
        (y, np.full((20, 1), 0.1)),
        (np.ones(20), x[:, :1]),
        (y, x[:, [0, 0]]),
        (y[:2], x[:2, :1]),
        (y * np.inf, x[:, :1]),
    ]:
        assert isinstance(fit(bad_y, bad_x), Insufficient)


def test_a_forecast_knows_nothing_of_its_own_row_or_later_ones() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(0, 1, (30, 2)), rng.normal(0, 1, 30)
    forecasts = walk_forward(y, x, 15)
    y[20:], x[21:] = 1e6, -1e6
    assert np.array_equal(walk_forward(y, x, 15)[:6], forecasts[:6])
    assert forecasts[0] == pytest.approx(regression(y[:15], x[:15]).slopes @ x[15])


def test_skill_is_clark_and_wests_t_against_no_change() -> None:
    rng = np.random.default_rng(6)
    y, forecasts = rng.normal(0, 1, 25), rng.normal(0, 1, 25)
    adjusted = y**2 - ((y - forecasts) ** 2 - forecasts**2)
    result = record(y, forecasts)
    assert result.p_value == pytest.approx(stats.ttest_1samp(adjusted, 0, alternative="greater").pvalue)
    assert result.r_squared == pytest.approx(1 - np.sum((y - forecasts) ** 2) / np.sum(y**2))
    assert record(y, y).r_squared == 1
    assert record(y, -y).p_value > 0.99
    assert isinstance(skill(np.zeros(5), y[:5]), Insufficient)


def test_without_a_relation_skill_is_found_as_rarely_as_it_promises() -> None:
    rng = np.random.default_rng(7)
    found = 0
    for _ in range(300):
        x, y = rng.normal(0, 1, (40, 2)), rng.normal(0, 1, 40)
        found += record(y[20:], walk_forward(y, x, 20)).p_value <= 0.05
    assert found <= 0.08 * 300
