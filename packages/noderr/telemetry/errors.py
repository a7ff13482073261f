"""Errors of `noderr.telemetry`.

TelemetryError
├── LogLevelError           a log level that does not exist
├── TracingError            traces are wanted, and cannot be sent
└── CoordinatorError        the coordinator did not take what was sent
    ├── UnreachableError    no answer, or none of a coordinator's
    ├── UntrustedError      an answer that the coordinator's key did not sign for this request
    └── RefusedError        a refusal, with its code
"""

from __future__ import annotations


class TelemetryError(Exception):
    """Any error of this package."""


class LogLevelError(TelemetryError):
    """A log level that does not exist; the message names it and those that do."""


class TracingError(TelemetryError):
    """Traces are wanted, and cannot be sent; the message says why."""


class CoordinatorError(TelemetryError):
    """The coordinator did not take what was sent."""


class UnreachableError(CoordinatorError):
    """There is no answer, or it is none of a coordinator's."""


class UntrustedError(CoordinatorError):
    """The answer was not signed by the coordinator's key, or not for this request."""


class RefusedError(CoordinatorError):
    """The coordinator said no. `code` is one of its fixed words; `next_sequence` and `retry_seconds` where it says."""

    def __init__(self, code: str, message: str, *, next_sequence: int = 0, retry_seconds: float = 0.0) -> None:
        self.code = code
        self.message = message
        self.next_sequence = next_sequence
        self.retry_seconds = retry_seconds
        super().__init__(f"{code}: {message}")
