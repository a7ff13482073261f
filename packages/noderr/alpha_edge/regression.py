"""Ordinary least squares with an intercept, and how well it foretells what it was not fitted on.

Standard errors and the F test are the textbook's for errors alike in size (Greene, "Econometric Analysis", ch. 3-5).
The out-of-sample test is Clark and West (2007), "Approximately normal tests for equal predictive accuracy in nested
models", J. Econometrics 138, against "nothing changes"; it also holds where the errors are not alike in size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from noderr.alpha_edge.answers import Insufficient
from noderr.alpha_edge.arrays import Floats
from noderr.alpha_edge.tails import f_tail, t_cdf


@dataclass(frozen=True, slots=True)
class Regression:
    """y = intercept + slopes . x + error. A column of x that does not vary has the slope 0 and the error infinity."""

    intercept: float
    slopes: Floats
    standard_errors: Floats
    """Of the slopes."""
    residual_variance: float
    r_squared: float
    p_value: float
    """How probable such slopes are where none is: the F test of all of them."""
    freedom: int

    def t_statistic(self, column: int) -> float:
        error = float(self.standard_errors[column])
        return float(self.slopes[column]) / error if error > 0 else math.copysign(math.inf, self.slopes[column])


@dataclass(frozen=True, slots=True)
class Skill:
    """How forecasts did against "nothing changes"."""

    r_squared: float
    """1 - squared errors / squared moves; below 0 they are worse than to forecast nothing."""
    p_value: float
    """How probable so good a record is for forecasts of what cannot be forecast (one-sided)."""
    error_variance: float


def fit(y: Floats, x: Floats) -> Regression | Insufficient:
    """`x` has a row an observation."""
    with np.errstate(all="ignore"):
        result = _fit(y, x)
    numbers = () if result is None else (result.intercept, result.residual_variance, *result.slopes)
    if result is None or not all(map(math.isfinite, numbers)):
        return Insufficient(f"{len(y)} observations in which nothing varies, or of columns that say the same")
    return result


def walk_forward(y: Floats, x: Floats, first: int) -> Floats:
    """For each row from `first` on what the slopes fitted on the rows before it give; the intercept is no forecast."""
    with np.errstate(all="ignore"):
        return np.array([float(_slopes(y[:row], x[:row]) @ x[row]) for row in range(first, len(y))])


def skill(y: Floats, forecasts: Floats) -> Skill | Insufficient:
    """Of two forecasts or more that were made before their `y` was known."""
    moves = float(y @ y)
    count = len(y)
    if count < 2 or moves == 0 or not np.all(np.isfinite(forecasts)):
        return Insufficient(f"{count} forecasts of moves that add up to {moves}")
    errors = y - forecasts
    gains = 2.0 * y * forecasts  # y² - (y - f)² + f²: what f takes away by being there at all is given back.
    spread = float(np.std(gains, ddof=1))
    t = float(np.mean(gains)) / (spread / math.sqrt(count)) if spread > 0 else 0.0
    return Skill(1.0 - float(errors @ errors) / moves, t_cdf(-t, count - 1), float(errors @ errors) / count)


def _fit(y: Floats, x: Floats) -> Regression | None:
    slopes = _slopes(y, x)
    centred, scale = _standard(x)
    varies = scale > 0
    used = int(varies.sum())
    freedom = len(y) - used - 1
    total = float(((y - y.mean()) ** 2).sum())
    if used == 0 or freedom < 1 or total == 0 or not np.all(np.isfinite(slopes)):
        return None
    intercept = float(y.mean() - slopes @ x.mean(axis=0))
    residuals = y - intercept - x @ slopes
    left = float(residuals @ residuals)
    variance = left / freedom
    inverse = np.linalg.inv(centred[:, varies].T @ centred[:, varies])
    errors = np.full(x.shape[1], np.inf)
    errors[varies] = np.sqrt(variance * np.diag(inverse)) / scale[varies]
    f = (total - left) / used / variance if variance > 0 else math.inf
    p_value = f_tail(max(f, 0.0), used, freedom) if math.isfinite(f) else 0.0
    return Regression(intercept, slopes, errors, variance, 1.0 - left / total, p_value, freedom)


def _standard(x: Floats) -> tuple[Floats, Floats]:
    """Columns less their means, of mean square 1, and what they were divided by: 0 for those that do not vary."""
    centred = x - x.mean(axis=0)
    scale = np.sqrt((centred**2).mean(axis=0))
    # A constant less its mean leaves the last digits of the mean's rounding.
    scale = np.where(scale > 1e-12 * np.abs(x).max(axis=0), scale, 0.0)
    return centred / np.where(scale > 0, scale, 1.0), scale


def _slopes(y: Floats, x: Floats) -> Floats:
    centred, scale = _standard(x)
    varies = scale > 0
    slopes = np.zeros(x.shape[1])
    used = centred[:, varies]
    gram = used.T @ used / len(y)
    # Of mean square 1 each, the columns say the same where the determinant is nothing.
    if used.shape[1] == 0 or not np.linalg.det(gram) > 1e-10:
        return slopes if used.shape[1] == 0 else np.full(x.shape[1], np.nan)
    slopes[varies] = np.linalg.solve(gram, used.T @ (y - y.mean()) / len(y)) / scale[varies]
    return slopes
