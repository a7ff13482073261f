"""Errors of `noderr.risk_engine`.

RiskError
└── LimitsError    the file of limits cannot be read, or holds limits that make no sense
"""

from __future__ import annotations


class RiskError(Exception):
    """Any error of this package. Its text names what is wrong, the value, and the remedy."""


class LimitsError(RiskError, ValueError):
    """Names the file, the field and what would be accepted."""
