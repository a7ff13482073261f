"""Errors of `noderr.alpha_edge`.

AlphaEdgeError
├── ParameterError      parameters that contradict each other; names the field
├── ViewError           a view that cannot follow what came before, or cannot be reckoned with
│   └── StreamError     a view from a validator, or of a market, that nobody asked for
├── NoForecastError     inside of the package: why a model withholds its forecast; outside it is an `Abstained`
└── EvaluationError     forecasts and mids that are not in the order of time
"""

from __future__ import annotations

from noderr.alpha_edge.answers import Abstained, Insufficient, Reason


class AlphaEdgeError(Exception):
    """Any error of this package. Its text names what is wrong, the value, and the remedy."""


class ParameterError(AlphaEdgeError, ValueError):
    """A model cannot be made of these parameters."""


class ViewError(AlphaEdgeError, ValueError):
    """Older than the view before, the same again, or of numbers without an exact difference. It is not taken."""


class StreamError(ViewError):
    """Its validator, venue or symbol is not among those that the forecast is made of."""


class NoForecastError(AlphaEdgeError):
    """One of the things that a forecast needs is missing."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        self.abstained = Abstained(reason, detail)
        super().__init__(str(self.abstained))


class EvaluationError(AlphaEdgeError, ValueError):
    """Time went back, or a number that is none."""


def enough[T](answer: T | Insufficient, reason: Reason) -> T:
    """The answer of an estimator that had enough. Raises `NoForecastError` with `reason` for one that had not."""
    if isinstance(answer, Insufficient):
        raise NoForecastError(reason, answer.reason)
    return answer
