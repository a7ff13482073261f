"""What several validators' streams of one market come to: the median of their forecasts, if most of them give one.

Each validator is one voice, whatever number of venues it tells of: its forecast is the median of its venues'. A stream
that is late, or whose machine abstains, has no forecast. More than half must have one, so liars that are less than a
quarter of all are less than half of these, and the median stays within what honest ones say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from noderr.alpha_edge.answers import CERTAIN_BPS, EVEN_BPS, Abstained, Forecast, Reason
from noderr.alpha_edge.errors import ParameterError, StreamError
from noderr.alpha_edge.models import Machine, Parameters, machine_of
from noderr.types.trading.market_view import MarketView


class Panel:
    """Of one symbol: a machine for each validator and venue."""

    def __init__(self, symbol: str, validators: Iterable[str], venues: Iterable[str], parameters: Parameters) -> None:
        """`validators` are all that are known, by any name that tells them apart. Raises `ParameterError`."""
        self.symbol = symbol
        self.validators = frozenset(validators)
        self.venues = frozenset(venues)
        if not self.validators or not self.venues:
            raise ParameterError(f"{symbol} needs one validator and one venue at least")
        self.parameters = parameters
        self._streams: dict[str, dict[str, Machine]] = {validator: {} for validator in sorted(self.validators)}

    def on_view(self, validator: str, view: MarketView) -> None:
        """Raises `ViewError`, and then the view changed nothing."""
        if validator not in self._streams or view.venue not in self.venues or view.symbol != self.symbol:
            raise StreamError(f"{validator} told of {view.symbol} at {view.venue}: {self.symbol} is not asked of these")
        stream = self._streams[validator].get(view.venue) or machine_of(self.parameters)
        stream.on_view(view)
        self._streams[validator][view.venue] = stream

    def forecast(self, at_ns: int) -> Forecast | Abstained:
        """The median forecast of the validators at `at_ns`, with a strict majority of all of them."""
        forecasts: list[Forecast] = []
        reasons: Counter[Reason] = Counter()
        for streams in self._streams.values():
            own = [stream.forecast(at_ns) for _, stream in sorted(streams.items())]
            given = [one for one in own if isinstance(one, Forecast)]
            reasons.update({one.reason for one in own if isinstance(one, Abstained)} if not given else ())
            if given:
                forecasts.append(median_forecast(given))
            elif not own:
                reasons[Reason.NO_VIEW] += 1
        if 2 * len(forecasts) <= len(self.validators):
            return _none(len(forecasts), len(self.validators), reasons)
        return median_forecast(forecasts)


def median_forecast(forecasts: Sequence[Forecast]) -> Forecast:
    """Each number's median by itself; of an even count the middle between the two, towards zero."""
    prediction = _median([one.prediction_e8 for one in forecasts])
    # The chance of a rise, about even: whose forecasts differ in sign are not sure of either.
    lean = _median([_sign(one.prediction_e8) * (one.confidence_bps - EVEN_BPS) for one in forecasts])
    return Forecast(
        prediction_e8=prediction,
        confidence_bps=min(CERTAIN_BPS, EVEN_BPS + max(0, lean * _sign(prediction))),
        mid_price_e8=_median([one.mid_price_e8 for one in forecasts]),
        observed_at_s=_median([one.observed_at_s for one in forecasts]),
    )


def _none(given: int, known: int, reasons: Counter[Reason]) -> Abstained:
    """The one reason if all have the same."""
    if len(reasons) == 1 and not given:
        return Abstained(next(iter(reasons)), f"all {known} validators")
    words = ", ".join(
        f"{count} x {reason.name}" for reason, count in sorted(reasons.items(), key=lambda one: one[0].name)
    )
    return Abstained(Reason.TOO_FEW_VALIDATORS, f"{given} of {known}; {words}")


def _median(values: Iterable[int]) -> int:
    ordered = sorted(values)
    twice = ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]
    return _sign(twice) * (abs(twice) // 2)


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)
