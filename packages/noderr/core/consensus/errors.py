"""Errors of `noderr.core.consensus`.

CoreError
├── GuardError            the guard says no, and so nothing is signed
│   ├── DoubleSignError   something else was signed at this place already
│   └── TooOldError       the place lies before what the guard still remembers
├── GuardDamagedError     the guard's journal cannot be trusted; the voter must not start
└── MembershipError       the file of voters says something impossible; lists every problem
"""

from __future__ import annotations

from collections.abc import Sequence

from noderr.core.errors import CoreError


class GuardError(CoreError):
    """A signature that is refused; nothing was signed."""


class DoubleSignError(GuardError):
    """Signing this would be an equivocation."""


class TooOldError(GuardError):
    """Nobody knows any more what was signed there, so nothing is."""


class GuardDamagedError(CoreError):
    """The journal was changed by something else than this program; the message says what to do."""


class MembershipError(CoreError):
    """The voters cannot be read; `problems` lists everything found."""

    def __init__(self, path: object, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join([f"{path}: {len(self.problems)} problem(s)", *(f"  - {one}" for one in problems)]))
