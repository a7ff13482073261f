"""One stream's machine: views in, and at any time a forecast or the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from noderr.alpha_edge.answers import CERTAIN_BPS, EVEN_BPS, Abstained, Forecast, Insufficient, Reason
from noderr.alpha_edge.bars import Bars, cut_bars
from noderr.alpha_edge.errors import NoForecastError, enough
from noderr.alpha_edge.impact_model import ImpactModel, fit_model
from noderr.alpha_edge.in_units import in_units
from noderr.alpha_edge.micro_price import MicroPrice, fit_micro_price
from noderr.alpha_edge.parameters import ModelParameters
from noderr.alpha_edge.quote_history import Quote, QuoteHistory
from noderr.alpha_edge.tails import t_cdf
from noderr.alpha_edge.volatility_regime import Volatility, volatility
from noderr.types.trading.market_view import MarketView


class Forecaster:
    """Sans-IO: what it says depends on its parameters, on the views that it was given, and on the time asked for."""

    def __init__(self, parameters: ModelParameters) -> None:
        self.parameters = parameters
        self._history = QuoteHistory(
            keep_ns=parameters.window_bars * parameters.bar_ns + parameters.max_age_ns,
            max_age_ns=parameters.max_age_ns,
            levels=parameters.levels,
        )

    def on_view(self, view: MarketView) -> None:
        """Raises `ViewError`, and then the view changed nothing."""
        self._history.add(view)

    def forecast(self, at_ns: int) -> Forecast | Abstained:
        """What it sees at `at_ns` of the horizon that begins there; views of later times are not looked at."""
        try:
            return self._forecast(at_ns)
        except NoForecastError as error:
            return error.abstained

    def _forecast(self, at_ns: int) -> Forecast:
        oldest_ns = at_ns - self.parameters.window_bars * self.parameters.bar_ns - self.parameters.max_age_ns
        quotes = self._history.fresh(at_ns, oldest_ns)
        bars = self._bars(quotes, at_ns)
        # The micro-price is estimated from the beginning of the stretch, and judged by the rest.
        split = max(1, len(bars.whole) * self.parameters.micro_percent // 100)
        if len(bars.whole) - split < self.parameters.min_bars + 1 or not bars.whole[-1]:
            raise NoForecastError(Reason.TOO_SHORT, f"{bars.whole.sum()} whole bars of {self.parameters.bar_ms} ms")
        micro = enough(self._micro_price(quotes, bars, split), Reason.MICRO_PRICE)
        now = enough(self._volatility(bars), Reason.REGIME)
        model = fit_model(bars.since(split), quotes, micro, self.parameters)
        distance = enough(micro.adjustment(quotes[-1]), Reason.MICRO_PRICE)
        move = model.predict(np.array([bars.flow[-1], distance]))
        return in_units(quotes[-1], move, self._confidence_bps(model, now, move))

    def _bars(self, quotes: Sequence[Quote], at_ns: int) -> Bars:
        seen = (at_ns - quotes[0].at_ns) // self.parameters.bar_ns
        return cut_bars(
            quotes,
            at_ns,
            bar_ns=self.parameters.bar_ns,
            max_age_ns=self.parameters.max_age_ns,
            count=max(1, min(self.parameters.window_bars, seen)),
        )

    def _micro_price(self, quotes: Sequence[Quote], bars: Bars, split: int) -> MicroPrice | Insufficient:
        return fit_micro_price(
            quotes[max(0, bars.first) : int(bars.ends[split - 1]) + 1],
            imbalance_buckets=self.parameters.imbalance_buckets,
            spread_buckets=self.parameters.spread_buckets,
            min_moves=self.parameters.min_moves,
            min_visits=self.parameters.min_visits,
        )

    def _volatility(self, bars: Bars) -> Volatility | Insufficient:
        return volatility(
            bars.move[bars.whole],
            short=self.parameters.short_bars,
            long=self.parameters.long_bars,
            calm_percent=self.parameters.calm_percent,
            turbulent_percent=self.parameters.turbulent_percent,
        )

    def _confidence_bps(self, model: ImpactModel, now: Volatility, move: float) -> int:
        """The chance that the mid moves the predicted way: Student's t of the move over its error through the horizon.

        The error grows with the number of bars, and with the volatility where it is above the usual; a calm market
        gives no bonus. Rounded down.
        """
        bars = self.parameters.horizon_seconds * 1_000 / self.parameters.bar_ms
        error = math.sqrt(model.error_variance * bars * max(1.0, now.ratio))
        if error == 0:
            return EVEN_BPS  # A past without any error is no market that errors can be judged by.
        chance = t_cdf(abs(move) / error, model.next_move.freedom)
        return max(EVEN_BPS, min(CERTAIN_BPS - 1, math.floor(chance * CERTAIN_BPS)))
