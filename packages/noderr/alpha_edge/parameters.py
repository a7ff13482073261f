"""The model's parameters: integers, so that the hash of a model says which it is. Another value is another model."""

from __future__ import annotations

from dataclasses import dataclass, fields

from noderr.alpha_edge.errors import ParameterError
from noderr.types.canonical_json import canonical_digest
from noderr.types.trading.market_view import MAX_LEVELS

MODEL_NAME = "alpha-edge.order-flow"
MODEL_VERSION = 1
"""Rises with every change of what is computed."""

MS_NS = 1_000_000
MAX_BARS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelParameters:
    """Raises `ParameterError`. The defaults are for minutes of history; `FOR_SECONDS` is fitted within 12 s."""

    horizon_seconds: int = 10
    """What a forecast is for. What the model sees shows in the next bar; after that it expects no change."""
    bar_ms: int = 1_000
    window_bars: int = 900
    """How many bars it looks back."""
    micro_percent: int = 33
    """The share of the window, at its beginning, that the micro-price is estimated from; the rest judges it."""
    min_bars: int = 120
    """After that share, so many pairs of a bar and the next at least."""
    max_age_ms: int = 2_000
    """A silence that is longer is a gap; after it the newest view is late."""
    levels: int = 1
    """Of the book, whose order flow counts."""
    imbalance_buckets: int = 5
    spread_buckets: int = 2
    min_moves: int = 30
    """Changes of the mid price that an estimate of the micro-price needs."""
    min_visits: int = 10
    """Quotes in a state of the book, for its micro-price to be known."""
    short_bars: int = 20
    long_bars: int = 80
    calm_percent: int = 67
    turbulent_percent: int = 150
    significance_bps: int = 100
    """How often each test may find a relation where none is."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ParameterError(f"{field.name} is {value!r}: it must be a positive int")
        if self.horizon_seconds * 1_000 < self.bar_ms:
            raise ParameterError(f"horizon_seconds is {self.horizon_seconds}: at least as long as a bar, bar_ms")
        if not self.min_bars + 2 <= self.window_bars * (100 - self.micro_percent) // 100 or self.window_bars > MAX_BARS:
            raise ParameterError(
                f"window_bars is {self.window_bars}: {MAX_BARS} at most, and min_bars must fit into it"
            )
        if self.min_bars < 10:
            raise ParameterError(f"min_bars is {self.min_bars}: with less than 10 nothing can be tested")
        if not 4 <= self.short_bars < self.long_bars <= self.window_bars:
            raise ParameterError("4 <= short_bars < long_bars <= window_bars must hold")
        if not self.calm_percent < 100 < self.turbulent_percent:
            raise ParameterError("calm_percent is below 100, turbulent_percent above")
        if self.levels > MAX_LEVELS or self.imbalance_buckets % 2 == 0 or self.imbalance_buckets < 3:
            raise ParameterError(f"levels is {MAX_LEVELS} at most; imbalance_buckets is odd, 3 or more")
        if self.significance_bps >= 5_000:
            raise ParameterError(f"significance_bps is {self.significance_bps}: below 5000")

    @property
    def bar_ns(self) -> int:
        return self.bar_ms * MS_NS

    @property
    def max_age_ns(self) -> int:
        return self.max_age_ms * MS_NS

    @property
    def significance(self) -> float:
        return self.significance_bps / 10_000

    def model_hash(self) -> bytes:
        """32 bytes that stand for the model with these parameters."""
        return canonical_digest({"name": MODEL_NAME, "version": MODEL_VERSION, "parameters": self})


FOR_SECONDS = ModelParameters(
    horizon_seconds=1,
    bar_ms=250,
    window_bars=120,
    micro_percent=33,
    min_bars=30,
    min_moves=10,
    min_visits=3,
    short_bars=10,
    long_bars=40,
    significance_bps=500,
)
"""For stretches of seconds: the first forecast can come after 48 bars of a quarter of a second, 12 s."""
