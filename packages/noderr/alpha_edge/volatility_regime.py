"""How volatile a market is now against what is usual for it, and whether it jumped.

Realised variance is the sum of squared returns (Andersen and Bollerslev 1998); the last `short` of them are set against
the last `long`. The jump statistic is the ratio test of Barndorff-Nielsen and Shephard (2006), "Econometrics of testing
for jumps in financial economics using bipower variation", J. Financial Econometrics 4(1): with returns r, RV = sum r²,
bipower BV = (pi/2) sum |r r'|, quadpower QV = n (pi/2)² sum |r r' r'' r'''|,

    (1 - BV / RV) sqrt(n) / sqrt((pi²/4 + pi - 5) max(1, QV / BV²))

is about standard normal without jumps, and large with one.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

import numpy as np

from noderr.alpha_edge.answers import Insufficient
from noderr.alpha_edge.arrays import Floats

_THETA = math.pi**2 / 4 + math.pi - 5
_JUMPED = 2.326
"""The 99 % quantile of the standard normal."""


class Regime(enum.Enum):
    CALM = "calm"
    NORMAL = "normal"
    TURBULENT = "turbulent"


@dataclass(frozen=True, slots=True)
class Volatility:
    """`ratio` of the mean squared return, the last `short` to the last `long`."""

    regime: Regime
    ratio: float
    jump_statistic: float | None
    """Of the long window; None where returns of zero leave bipower variation none."""

    @property
    def jumped(self) -> bool:
        return self.jump_statistic is not None and self.jump_statistic > _JUMPED


def volatility(
    returns: Floats, *, short: int, long: int, calm_percent: int = 67, turbulent_percent: int = 150
) -> Volatility | Insufficient:
    """Of returns of equal spans of time, the newest last."""
    if len(returns) < long:
        return Insufficient(f"{len(returns)} returns, {long} are needed")
    usual = float(np.mean(returns[-long:] ** 2))
    if usual == 0:
        return Insufficient(f"no move in {long} returns")
    ratio = float(np.mean(returns[-short:] ** 2)) / usual
    regime = Regime.NORMAL
    if ratio * 100 > turbulent_percent:
        regime = Regime.TURBULENT
    elif ratio * 100 < calm_percent:
        regime = Regime.CALM
    return Volatility(regime, ratio, jump_statistic(returns[-long:]))


def jump_statistic(returns: Floats) -> float | None:
    """About standard normal without jumps; None where it does not exist."""
    count = len(returns)
    realised = float(np.sum(returns**2))
    if count < 4 or realised == 0:
        return None
    size = np.abs(returns) / math.sqrt(realised / count)  # The statistic is free of scale; so is the arithmetic.
    bipower = math.pi / 2 * float(size[1:] @ size[:-1])
    if bipower == 0:
        return None
    quadpower = count * (math.pi / 2) ** 2 * float(np.sum(size[3:] * size[2:-1] * size[1:-2] * size[:-3]))
    return (1 - bipower / count) * math.sqrt(count) / math.sqrt(_THETA * max(1.0, quadpower / bipower**2))
