"""Errors of `noderr.types`.

TypesError
└── ManifestError     a manifest that says something impossible
"""

from __future__ import annotations

from collections.abc import Sequence


class TypesError(Exception):
    """Any error of this package."""


class ManifestError(TypesError):
    """A manifest is wrong; `problems` lists everything found, so that all can be mended at once."""

    def __init__(self, name: str, problems: Sequence[str]) -> None:
        self.name = name
        self.problems = tuple(problems)
        super().__init__("\n".join([f"{name}: {len(self.problems)} problem(s)", *(f"  - {p}" for p in self.problems)]))
