"""What a model may say: a forecast, or that it has none and why."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from noderr.types.trading.checks import check_integer

CERTAIN_BPS = 10_000
EVEN_BPS = 5_000
"""The confidence of who knows nothing: up is as likely as down."""

MAX_PREDICTION_E8 = 100_000_000
"""A move by the whole price: no model of seconds has seen one."""

MAX_U64 = (1 << 64) - 1


class Reason(enum.Enum):
    """Why there is no forecast."""

    NO_VIEW = "no view has come yet"
    LATE = "the newest view is too old"
    BOOK_UNKNOWN = "the validator does not know the book, or it lacks a side"
    TOO_SHORT = "too little has been seen without a gap"
    MICRO_PRICE = "too few quotes to estimate the micro-price, or none like the present one"
    REGIME = "too few bars to say how volatile the market is"
    NO_VARIATION = "the order flow or the price did not vary"
    NO_IMPACT = "order flow does not explain the price's moves of its own time"
    NOT_SIGNIFICANT = "what is seen does not explain the price's next moves"
    NO_SKILL = "out of sample it is no better than saying that nothing changes"
    OUT_OF_RANGE = "a price or a move that a signal cannot hold"
    TOO_FEW_VALIDATORS = "no strict majority of the known validators' streams gives a forecast"


@dataclass(frozen=True, slots=True)
class Insufficient:
    """An estimator had too little to estimate from; `reason` is for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class Abstained:
    """No forecast. `detail` has the numbers, for people."""

    reason: Reason
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason.value}: {self.detail}" if self.detail else self.reason.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """In the units of `Signal`: a log return x 10^8, and the probability (basis points) that its sign is right."""

    prediction_e8: int
    confidence_bps: int
    mid_price_e8: int
    observed_at_s: int

    def __post_init__(self) -> None:
        check_integer(self, "prediction_e8", self.prediction_e8, -MAX_PREDICTION_E8, MAX_PREDICTION_E8)
        check_integer(self, "confidence_bps", self.confidence_bps, EVEN_BPS, CERTAIN_BPS)
        check_integer(self, "mid_price_e8", self.mid_price_e8, 1, MAX_U64)
        check_integer(self, "observed_at_s", self.observed_at_s, 0, MAX_U64)
