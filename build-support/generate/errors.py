"""Errors of `generate`.

GenerateError
└── MarkersMissing     the README has lost the lines between which the table stands
"""

from __future__ import annotations


class GenerateError(Exception):
    """Any error of this package."""


class MarkersMissing(GenerateError):
    """The table's place is not there."""
