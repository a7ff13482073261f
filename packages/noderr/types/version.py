"""Semantic versions and their order (https://semver.org, without build metadata: an image tag cannot carry '+')."""

from __future__ import annotations

import re
from functools import total_ordering

_PART = r"(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_SEMVER = re.compile(rf"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-({_PART}(?:\.{_PART})*))?", re.ASCII)


@total_ordering
class Version:
    """A version that can be compared. Raises `ValueError` for text that is none."""

    def __init__(self, text: str) -> None:
        match = _SEMVER.fullmatch(text)
        if match is None:
            raise ValueError(
                f"{text!r} is no semantic version: write MAJOR.MINOR.PATCH, for example 1.4.0 or 1.5.0-rc.1"
            )
        major, minor, patch, pre = match.groups()
        self.text = text
        self.is_prerelease = pre is not None
        # A release is above its pre-releases; numbers compare as numbers, and below words; fewer parts are below more.
        parts = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in pre.split(".")] if pre else []
        self._order = (int(major), int(minor), int(patch), not self.is_prerelease, parts)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Version({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.text == other.text

    def __lt__(self, other: Version) -> bool:
        return self._order < other._order

    def __hash__(self) -> int:
        return hash(self.text)
