"""Errors of `noderr.telemetry`.

TelemetryError
└── LogLevelError     a log level that does not exist
"""

from __future__ import annotations


class TelemetryError(Exception):
    """Any error of this package."""


class LogLevelError(TelemetryError):
    """A log level that does not exist; the message names it and those that do."""
