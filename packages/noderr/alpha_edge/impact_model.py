"""What order flow does to prices, and what it and the micro-price say of the next move: fitted, tested, or refused.

Cont, Kukanov and Stoikov (2014): over one bar the mid moves by beta . flow / depth + error. That explains; it foretells
nothing. So the *next* bar's move is regressed on this bar's flow and the micro-price's distance from the mid, and that
counts only if three things hold, each at the level of `significance_bps`: the flow explains its own bar, with beta > 0;
the next bar's slopes are not all nothing; and forecasts along the way, each from what was before it, beat "no change".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from noderr.alpha_edge.answers import Insufficient, Reason
from noderr.alpha_edge.arrays import Floats
from noderr.alpha_edge.bars import Bars
from noderr.alpha_edge.errors import NoForecastError, enough
from noderr.alpha_edge.micro_price import MicroPrice
from noderr.alpha_edge.parameters import ModelParameters
from noderr.alpha_edge.quote_history import Quote
from noderr.alpha_edge.regression import Regression, Skill, fit, skill, walk_forward


@dataclass(frozen=True, slots=True)
class ImpactModel:
    """Moves in quote currency a bar."""

    impact: Regression
    """Of a bar's move on its own flow."""
    next_move: Regression
    """Of the next bar's move on (flow, micro-price's distance)."""
    skill: Skill
    least: Floats
    most: Floats
    """What it was fitted on lies between: it says nothing of what lies beyond."""

    @property
    def error_variance(self) -> float:
        """Of the forecast of one bar, the larger of what it was in sample and out of it."""
        return max(self.next_move.residual_variance, self.skill.error_variance)

    def predict(self, seen: Floats) -> float:
        """The next bar's move that (flow, distance) foretell. The trend of the stretch is no part of it."""
        return float(self.next_move.slopes @ np.clip(seen, self.least, self.most))


def fit_impact(bars: Bars) -> Regression | Insufficient:
    """Of the moves of whole bars on the flow of the same bars."""
    return fit(bars.move[bars.whole], bars.flow[bars.whole, None])


def fit_model(bars: Bars, quotes: Sequence[Quote], micro: MicroPrice, parameters: ModelParameters) -> ImpactModel:
    """`bars` are later than all that `micro` was estimated from. Raises `NoForecastError`."""
    y, x = _pairs(bars, quotes, micro)
    if len(y) < parameters.min_bars:
        raise NoForecastError(Reason.TOO_SHORT, f"{len(y)} bars with a whole one after; {parameters.min_bars} needed")
    impact = enough(fit_impact(bars), Reason.NO_VARIATION)
    if impact.slopes[0] <= 0 or impact.p_value > parameters.significance:
        raise NoForecastError(Reason.NO_IMPACT, f"t {impact.t_statistic(0):.2f}, p {impact.p_value:.3f}")
    next_move = enough(fit(y, x), Reason.NO_VARIATION)
    if next_move.p_value > parameters.significance:
        raise NoForecastError(Reason.NOT_SIGNIFICANT, f"p {next_move.p_value:.3f} over {len(y)} bars")
    first = len(y) // 2
    record = enough(skill(y[first:], walk_forward(y, x, first)), Reason.NO_VARIATION)
    if record.p_value > parameters.significance or record.r_squared <= 0:
        raise NoForecastError(Reason.NO_SKILL, f"out-of-sample R² {record.r_squared:.3f}, p {record.p_value:.3f}")
    return ImpactModel(impact, next_move, record, x.min(axis=0), x.max(axis=0))


def _pairs(bars: Bars, quotes: Sequence[Quote], micro: MicroPrice) -> tuple[Floats, Floats]:
    """The next bar's move, and what was seen at its beginning, where both bars are whole and the state is known."""
    moves: list[float] = []
    seen: list[tuple[float, float]] = []
    for bar in np.flatnonzero(bars.whole[:-1] & bars.whole[1:]):
        distance = micro.adjustment(quotes[bars.ends[bar]])
        if not isinstance(distance, Insufficient):
            moves.append(float(bars.move[bar + 1]))
            seen.append((float(bars.flow[bar]), distance))
    return np.array(moves), np.array(seen).reshape(-1, 2)
