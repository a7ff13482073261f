"""How good forecasts were against "nothing changes": from a stream of answers, and of the mids that came later."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from noderr.alpha_edge.answers import CERTAIN_BPS, Abstained, Forecast, Reason
from noderr.alpha_edge.errors import EvaluationError

_ONE_E8 = 100_000_000
_SECOND_NS = 1_000_000_000
_EVEN_BRIER = 0.25
_Z_95 = 1.959964


@dataclass(frozen=True, slots=True)
class Outcome:
    """A forecast, when it was made, and the log return x 10^8 that came over its horizon."""

    at_ns: int
    prediction_e8: int
    confidence_bps: int
    realised_e8: float

    @property
    def is_direction(self) -> bool:
        """Whether both the forecast and the market went somewhere; only such a forecast can hit or miss."""
        return self.prediction_e8 != 0 and self.realised_e8 != 0

    @property
    def hit(self) -> bool:
        return (self.prediction_e8 > 0) == (self.realised_e8 > 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Figures without a meaning (of no forecast, of no move) are None."""

    asked: int
    abstained: Counter[Reason]
    unresolved: int
    """Forecasts whose horizon had not passed, or passed without a known mid."""
    forecasts: int
    directions: int
    """Those forecasts of a direction after which the mid had moved."""
    independent: int
    """As many of them as there are without overlapping horizons: what the interval counts as observations."""
    hits: int
    hit_rate_low: float | None
    hit_rate_high: float | None
    """95 %, Wilson (1927)."""
    brier: float | None
    """Of the directions (Brier 1950); who knows nothing has 0.25."""
    r_squared: float | None
    """1 - squared errors / squared returns: against "nothing changes" (Campbell and Thompson 2008); 0 is no better."""

    @property
    def hit_rate(self) -> float | None:
        return self.hits / self.directions if self.directions else None

    def __str__(self) -> str:
        def number(value: float | None) -> str:
            return "none" if value is None else f"{value:.3f}"

        reasons = ", ".join(f"{reason.name} {count}" for reason, count in sorted(self.abstained.items(), key=_by_name))
        return (
            f"{self.asked} asked: {self.forecasts} forecasts, {self.unresolved} unresolved, "
            f"abstained: {reasons or 'never'}; direction {self.hits}/{self.directions} "
            f"(95 %: {number(self.hit_rate_low)} to {number(self.hit_rate_high)}, "
            f"of {self.independent} that do not overlap), Brier {number(self.brier)} (even: {_EVEN_BRIER}), "
            f"out-of-sample R² {number(self.r_squared)} (no change: 0)"
        )


@dataclass(slots=True)
class Evaluator:
    """Takes answers and mids in the order of time, or raises `EvaluationError`."""

    horizon_seconds: int
    _asked: int = 0
    _lost: int = 0
    _abstained: Counter[Reason] = field(default_factory=Counter)
    _waiting: deque[tuple[int, Forecast]] = field(default_factory=deque)
    _outcomes: list[Outcome] = field(default_factory=list)
    _mid_e8: int | None = None
    _now_ns: int = 0

    def on_answer(self, at_ns: int, answer: Forecast | Abstained) -> None:
        self._advance(at_ns)
        self._asked += 1
        if isinstance(answer, Abstained):
            self._abstained[answer.reason] += 1
        else:
            self._waiting.append((at_ns, answer))

    def on_mid(self, at_ns: int, mid_e8: int | None) -> None:
        """The mid from `at_ns` on; None while nobody knows it."""
        if mid_e8 is not None and mid_e8 <= 0:
            raise EvaluationError(f"the mid is {mid_e8}: it must be above 0, or None where nobody knows it")
        self._advance(at_ns)
        self._mid_e8 = mid_e8

    def result(self) -> Evaluation:
        """So far."""
        directions = [one for one in self._outcomes if one.is_direction]
        hits = sum(one.hit for one in directions)
        independent = _without_overlap(directions, self.horizon_seconds * _SECOND_NS)
        low, high = wilson_interval(hits / len(directions), independent) if directions else (None, None)
        squares = sum(one.realised_e8**2 for one in self._outcomes)
        errors = sum((one.realised_e8 - one.prediction_e8) ** 2 for one in self._outcomes)
        return Evaluation(
            asked=self._asked,
            abstained=self._abstained.copy(),
            unresolved=self._lost + len(self._waiting),
            forecasts=len(self._outcomes),
            directions=len(directions),
            independent=independent,
            hits=hits,
            hit_rate_low=low,
            hit_rate_high=high,
            brier=sum(map(_brier, directions)) / len(directions) if directions else None,
            r_squared=1 - errors / squares if squares else None,
        )

    def _advance(self, at_ns: int) -> None:
        if at_ns < self._now_ns:
            raise EvaluationError(f"{at_ns} ns comes after {self._now_ns} ns: give answers and mids in order of time")
        self._now_ns = at_ns
        horizon_ns = self.horizon_seconds * _SECOND_NS
        # A mid of just the time that a horizon ends belongs to it, so what ends now still waits.
        while self._waiting and self._waiting[0][0] + horizon_ns < at_ns:
            made_ns, forecast = self._waiting.popleft()
            if self._mid_e8 is None:
                self._lost += 1
                continue
            realised_e8 = math.log(self._mid_e8 / forecast.mid_price_e8) * _ONE_E8
            self._outcomes.append(Outcome(made_ns, forecast.prediction_e8, forecast.confidence_bps, realised_e8))


def wilson_interval(rate: float, count: int, z: float = _Z_95) -> tuple[float, float]:
    """The score interval of a proportion seen in `count` independent trials (Wilson 1927)."""
    if count < 1:
        raise EvaluationError(f"{count} trials have no interval: give one at least")
    middle = (rate + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(rate * (1 - rate) / count + z * z / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def _brier(outcome: Outcome) -> float:
    return (outcome.confidence_bps / CERTAIN_BPS - outcome.hit) ** 2


def _without_overlap(outcomes: Sequence[Outcome], horizon_ns: int) -> int:
    count, free_ns = 0, 0
    for outcome in outcomes:
        if outcome.at_ns >= free_ns:
            count, free_ns = count + 1, outcome.at_ns + horizon_ns
    return count


def _by_name(item: tuple[Reason, int]) -> str:
    return item[0].name
