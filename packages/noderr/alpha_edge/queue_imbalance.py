"""Which way the mid price moves next, from the imbalance of the two best queues, learned from the stream itself.

Gould and Bonart (2016), "Queue imbalance as a one-tick-ahead price predictor in a limit order book": the sign of the
next move depends on I = (bid size - ask size) / (bid size + ask size). How much it does, here the stream tells: of
each strength of |I| the moves that went the imbalance's way are counted, and the chance is the posterior mean under
Beta(1, 1), Laplace's rule of succession. Without evidence it is one half; both directions share a count, so a mirrored
market gets the mirrored forecast.

One wait for a move counts once in all, spread over the strengths by the time that each stood.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from noderr.alpha_edge.answers import CERTAIN_BPS, EVEN_BPS, Abstained, Forecast, Reason
from noderr.alpha_edge.errors import NoForecastError, ParameterError
from noderr.alpha_edge.in_units import in_units
from noderr.alpha_edge.quote_history import Quote, QuoteHistory
from noderr.alpha_edge.tails import incomplete_beta
from noderr.types.canonical_json import canonical_digest
from noderr.types.trading.market_view import MarketView

MODEL_NAME = "alpha-edge.queue-imbalance"
MODEL_VERSION = 1

_SECOND_NS = 1_000_000_000
_MS_NS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ImbalanceParameters:
    """`strengths` equal parts of |I| beside the weakest, in which nothing is foretold. Raises `ParameterError`."""

    horizon_seconds: int = 10
    window_seconds: int = 900
    max_age_ms: int = 2_000
    """A silence that is longer is a gap; after it the newest view is late."""
    strengths: int = 2
    least_moves: int = 10
    """Of the mid price, within the window."""
    certainty_bps: int = 9_500
    """So sure must the counts make it that the foretold side is the likelier one; 5000 asks for nothing."""

    def __post_init__(self) -> None:
        for name, least, most in (
            ("horizon_seconds", 1, 86_400),
            ("window_seconds", 1, 86_400),
            ("max_age_ms", 1, 60_000),
            ("strengths", 1, 50),
            ("least_moves", 2, 1_000_000),
            ("certainty_bps", EVEN_BPS, CERTAIN_BPS - 1),
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
                raise ParameterError(f"{name} is {value!r}: an int from {least} to {most}")

    @property
    def max_age_ns(self) -> int:
        return self.max_age_ms * _MS_NS

    def model_hash(self) -> bytes:
        """32 bytes that stand for the model with these parameters."""
        return canonical_digest({"name": MODEL_NAME, "version": MODEL_VERSION, "parameters": self})


@dataclass(slots=True)
class _Counts:
    """Waits for a move, in parts of one: all of a strength, and those that ended the imbalance's way."""

    waits: float = 0.0
    with_it: float = 0.0

    @property
    def chance(self) -> float:
        return (1.0 + self.with_it) / (2.0 + self.waits)

    @property
    def certainty(self) -> float:
        """The posterior probability that the side which `chance` favours is the likelier one: at least one half."""
        # Down to what rounding of parts may leave below nothing.
        against = max(0.0, self.waits - self.with_it)
        below = incomplete_beta(0.5, 1.0 + self.with_it, 1.0 + against)
        return max(below, 1.0 - below)


@dataclass(slots=True)
class _Learned:
    """From one window: `counts` by strength, and the moves of the mid with the time that they took."""

    counts: list[_Counts]
    sizes: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def mean_move(self) -> float:
        return math.fsum(self.sizes) / len(self.sizes)


class QueueImbalance:
    """One stream's machine. Sans-IO: views in, and at any time a forecast or the reason why there is none."""

    def __init__(self, parameters: ImbalanceParameters) -> None:
        self.parameters = parameters
        keep_ns = parameters.window_seconds * _SECOND_NS + parameters.max_age_ns
        self._history = QuoteHistory(keep_ns=keep_ns, max_age_ns=parameters.max_age_ns, levels=1)

    def on_view(self, view: MarketView) -> None:
        """Raises `ViewError`, and then the view changed nothing."""
        self._history.add(view)

    def forecast(self, at_ns: int) -> Forecast | Abstained:
        """For the horizon that begins at `at_ns`; views of later times are not looked at."""
        try:
            return self._forecast(at_ns)
        except NoForecastError as error:
            return error.abstained

    def _forecast(self, at_ns: int) -> Forecast:
        parameters = self.parameters
        quotes = self._history.fresh(at_ns, at_ns - parameters.window_seconds * _SECOND_NS)
        now = quotes[-1]
        learned = self._learn(quotes)
        if len(learned.sizes) < parameters.least_moves:
            raise NoForecastError(Reason.TOO_SHORT, f"{len(learned.sizes)} moves of the mid price")
        strength = self._strength(now)
        chance = self._chance(learned.counts[strength]) if strength else 0.5
        # Moves come at their mean rate (a Poisson process): the chance that one comes within the horizon.
        rate = len(learned.sizes) / learned.seconds
        comes = -math.expm1(-rate * parameters.horizon_seconds)
        way = (now.imbalance > 0) - (now.imbalance < 0)
        move = way * (2.0 * chance - 1.0) * learned.mean_move * comes
        confidence_bps = math.floor(max(chance, 1.0 - chance) * CERTAIN_BPS)
        return in_units(now, move, max(EVEN_BPS, min(CERTAIN_BPS - 1, confidence_bps)))

    def _chance(self, counts: _Counts) -> float:
        """Raises `NoForecastError` for counts that leave it open which side is likelier."""
        if counts.certainty * CERTAIN_BPS < self.parameters.certainty_bps:
            found = f"{counts.with_it:.1f} of {counts.waits:.1f} moves went the imbalance's way"
            raise NoForecastError(Reason.NOT_SIGNIFICANT, found)
        return counts.chance

    def _learn(self, quotes: Sequence[Quote]) -> _Learned:
        learned = _Learned([_Counts() for _ in range(self.parameters.strengths + 1)])
        stood: list[tuple[Quote, int]] = []  # Since the last move: each quote, and for how long it stood.
        for before, after in itertools.pairwise(quotes):
            if not (before.known and after.known) or before.segment != after.segment:
                stood.clear()
                continue
            stood.append((before, after.at_ns - before.at_ns))
            if after.move:
                self._count(learned, stood, after.move)
                stood.clear()
        return learned

    def _count(self, learned: _Learned, stood: Sequence[tuple[Quote, int]], move: float) -> None:
        whole_ns = sum(time_ns for _, time_ns in stood)
        if not whole_ns:
            return
        learned.sizes.append(abs(move))
        learned.seconds += whole_ns / _SECOND_NS
        for quote, time_ns in stood:
            counts, part = learned.counts[self._strength(quote)], time_ns / whole_ns
            counts.waits += part
            if (move > 0) == (quote.imbalance > 0):
                counts.with_it += part

    def _strength(self, quote: Quote) -> int:
        """0 for the weakest; of an |I| of 1 the strongest."""
        parts = self.parameters.strengths + 1
        return min(int(abs(quote.imbalance) * parts), parts - 1)
