"""Files that hold a secret of the node: made once, the owner's alone, and what is checked is what is read."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from noderr.core.errors import KeyFileError
from noderr.utils import create_file

KEY_MODE = 0o600


def make_key_file(path: Path, content: bytes) -> None:
    """Write a new secret, unless there is one. Raises `KeyFileError`."""
    try:
        with contextlib.suppress(FileExistsError):
            create_file(path, content, mode=KEY_MODE)
    except OSError as error:
        raise KeyFileError(f"{path} cannot be made: {error.strerror}. The data directory must be writable") from error


def read_key_file(path: Path) -> bytes:
    """What it holds. Raises `KeyFileError` when it is no plain file, another user's, or open to others."""
    try:
        # Not blocking: opening a pipe would wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise KeyFileError(
            f"{path} cannot be opened: {error.strerror}. It must be a plain file of user {os.geteuid()}, mode 0600"
        ) from error
    try:
        _check_guarded(path, os.fstat(descriptor))
    except KeyFileError:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def _check_guarded(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileError(f"{path} is no plain file: put the key file itself there")
    if status.st_uid != os.geteuid():
        raise KeyFileError(
            f"{path} belongs to user {status.st_uid}, the node runs as {os.geteuid()}: chown {os.geteuid()} {path}"
        )
    if (mode := stat.S_IMODE(status.st_mode)) != KEY_MODE:
        raise KeyFileError(f"{path} has mode {mode:04o}, so others may read or change it: chmod 0600 {path}")
