"""Errors of `noderr.safety_control`.

SafetyError
├── LogDamagedError    the safety log is not what was written
├── PermitError        a permit that allows nothing: too few guardians, expired, too long
└── RecordError        an order of a person without name or reason
"""

from __future__ import annotations


class SafetyError(Exception):
    """Any error of this package. Its text names what is wrong, the value, and the remedy."""


class LogDamagedError(SafetyError):
    """Nothing is traded until somebody has looked at it."""


class PermitError(SafetyError, ValueError):
    """The lease stays as it was."""


class RecordError(SafetyError, ValueError):
    """Whoever changes what may be traded says who they are, and why."""
