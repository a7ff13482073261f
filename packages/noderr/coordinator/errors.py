"""Errors of `noderr.coordinator`.

CoordinatorError (a `CoreError`)
├── DatabaseNewerError      a newer coordinator has used the database (also a `MisconfiguredError`)
├── StoreUnavailableError   the database does not answer, or refuses
├── RegistryError           an enrolment, suspension or wish that cannot be
└── Refusal                 what a node is told: a fixed word, a status, a sentence
"""

from __future__ import annotations

from noderr.core.errors import CoreError, MisconfiguredError


class CoordinatorError(CoreError):
    """Any error of this package."""


class DatabaseNewerError(CoordinatorError, MisconfiguredError):
    """A newer coordinator has used the database."""


class StoreUnavailableError(CoordinatorError):
    """The database does not answer, or refuses."""


class RegistryError(CoordinatorError):
    """A change of the registry that cannot be; the message names the node or tier, and the remedy."""


class Refusal(CoordinatorError):
    """What a node is told. `code` is one of the fixed words of the README, `status` the HTTP status."""

    def __init__(self, status: int, code: str, message: str, *, next_sequence: int = 0, retry_seconds: int = 0) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.next_sequence = next_sequence
        self.retry_seconds = retry_seconds
        super().__init__(f"{code}: {message}")
