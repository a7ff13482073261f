"""Errors of `noderr.utils`.

UtilsError
├── BackoffError         a back-off that could not work, e.g. one that shrinks
├── ClockError           a clock was told to go where no clock goes
├── HttpAnswerError      no HTTP answer, none in time, too much of one, or of another status
├── NewerVersionError    state on disk was written by a later version of the software
├── StateFileError       a state file cannot be read or written
│   ├── StateTypeError   it is intact and holds something else than was asked for
│   └── StateBrokenError neither it nor the one before it is intact
├── TimeLimitError       something took longer than it may
└── StoreError           the database failed: the disk, its rights, or how it is used
    ├── StoreFullError       no space is left
    ├── StoreCorruptError    the file is damaged, or no database
    ├── StoreBusyError       another process holds it, or too much work waits for it
    ├── StoreMigrationError  a step to the next version failed; the database is as before
    └── StoreClosedError     it was closed
"""

from __future__ import annotations

from pathlib import Path


class UtilsError(Exception):
    """Any error of this package. Its text names what is wrong, the value, and the remedy."""


class BackoffError(UtilsError):
    """A back-off was described with an impossible figure; the message names field, value and remedy."""


class ClockError(UtilsError):
    """A manual clock was asked to go back, or to a moment that is no number."""


class HttpAnswerError(UtilsError):
    """`name` is who was asked, `reason` what is wrong and which limit that is, `remedy` what to do."""

    def __init__(self, name: str, reason: str, remedy: str) -> None:
        self.name = name
        self.reason = reason
        self.remedy = remedy
        super().__init__(f"{name} {reason}: {remedy}")


class NewerVersionError(UtilsError):
    """State on disk was written by a later version of the software. It is left as it is."""

    def __init__(self, path: Path, found: int, supported: int) -> None:
        self.path = path
        self.found = found
        self.supported = supported
        super().__init__(
            f"{path} has version {found} of its schema, this software knows versions up to {supported}: run the "
            f"software that wrote it, or a later one, or restore a backup from before the update"
        )


class StateFileError(UtilsError):
    """A state file cannot be read or written."""


class StateTypeError(StateFileError):
    """The state file is intact and does not hold what was asked for; the message names the field."""


class StateBrokenError(StateFileError):
    """Neither the state file nor the one before it is intact; both are left as they are."""


class TimeLimitError(UtilsError):
    """It was cancelled when its time was over."""


class StoreError(UtilsError):
    """The database failed. What ran at that moment was rolled back."""


class StoreFullError(StoreError):
    """No space is left for the database."""


class StoreCorruptError(StoreError):
    """The database's file is damaged, or is no database; it is left as it is."""


class StoreBusyError(StoreError):
    """Another process held the database for too long, or too much work waits for it already."""


class StoreMigrationError(StoreError):
    """A step to the next version of the schema failed; the database is as it was before the step."""


class StoreClosedError(StoreError):
    """The store was closed and takes no more work."""
