"""Errors of `noderr.utils`.

UtilsError
└── BackoffError     a back-off that could not work, e.g. one that shrinks
"""

from __future__ import annotations


class UtilsError(Exception):
    """Any error of this package."""


class BackoffError(UtilsError):
    """A back-off was described with an impossible figure; the message names field, value and remedy."""
