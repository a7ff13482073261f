"""One process at a time has a data directory, and one that a newer version has written is left alone.

Two nodes with one key could sign two things; so a node holds a lock for as long as it lives. The kernel lets go of it
when the process ends, however it ends. The process's number stays in the file unless it let go itself: so the next one
knows that this one was killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from noderr.core.errors import DataDirError
from noderr.utils import NewerVersionError, StateFile, StateFileError

_log = structlog.get_logger("noderr.core.data")

LOCK_FILE = "lock"
STATE_FILE = "data.json"


class DataDirState(msgspec.Struct, frozen=True):
    """Whose data it is, and which version began it."""

    owner: str
    made_by: str


@dataclass(frozen=True)
class DataDirClaim:
    """`after_unclean_exit`: whoever had the directory last was killed, or its machine went down."""

    after_unclean_exit: bool


@contextlib.contextmanager
def claimed_data_dir(data_dir: Path, owner: str, version: str) -> Iterator[DataDirClaim]:
    """Hold the data directory of `owner` (a tier or a service). Raises `DataDirError`.

    That is when another process holds it, when it is another owner's, when its format is newer than this build's, or
    when the note of both is broken.
    """
    with _lock(data_dir) as claim:
        check_owner(data_dir, owner)
        note = StateFile(data_dir / STATE_FILE, DataDirState)
        try:
            if note.read() is None:
                note.write(DataDirState(owner, version))
        except StateFileError as error:
            raise DataDirError(str(error)) from error
        yield claim


def check_owner(data_dir: Path, owner: str) -> None:
    """Raise `DataDirError` unless the directory is new, or `owner`'s and of a format that this build knows."""
    note = StateFile(data_dir / STATE_FILE, DataDirState)
    try:
        found = note.read()
    except NewerVersionError as error:
        raise DataDirError(
            f"{data_dir} was written by a newer version of NodeOS: {error}. Run that version, or give this one a data "
            "directory of its own"
        ) from error
    except StateFileError as error:
        raise DataDirError(str(error)) from error
    if found is not None and found.state.owner != owner:
        raise DataDirError(
            f"{data_dir} is the data directory of a {found.state.owner}, and this is a {owner}: give each its own"
        )


def holder(data_dir: Path) -> str:
    """Who holds the directory now, in words; empty when nobody does. Raises `OSError` when that cannot be asked."""
    path = data_dir / LOCK_FILE
    if not path.exists():
        return ""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return f"process {file.read(32).decode('ascii', 'replace').strip() or '(unknown)'}"
    return ""


@contextlib.contextmanager
def _lock(data_dir: Path) -> Iterator[DataDirClaim]:
    path = data_dir / LOCK_FILE
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DataDirError(f"{path} cannot be opened ({error.strerror}): this node's user must own it") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DataDirError(
                f"{data_dir} is in use by {holder(data_dir) or 'another process'}: stop that one, or set "
                "NODEOS_DATA_DIR to a directory of its own"
            ) from error
        claim = DataDirClaim(after_unclean_exit=os.fstat(descriptor).st_size > 0)
        try:
            _note_holder(descriptor, f"{os.getpid()}\n")
        except OSError as error:
            # The lock holds without it. A node that is started again on a full disk must come up to say so.
            _log.error("holder_not_noted", path=str(path), reason=error.strerror)
        try:
            yield claim
        finally:
            _note_holder(descriptor, "")
    finally:
        os.close(descriptor)


def _note_holder(descriptor: int, text: str) -> None:
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(), 0)
    os.fsync(descriptor)  # What it says counts after a power cut.
