"""Errors of `monitoring`.

MonitoringError
└── PromQlError     an expression that is no PromQL, or a form of it that the checks cannot follow
"""

from __future__ import annotations


class MonitoringError(Exception):
    """Any error of this package."""


class PromQlError(MonitoringError):
    """Says where in the expression reading stopped."""
