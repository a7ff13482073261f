"""Files that appear whole or not at all, and that are on the disk when the call returns."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def create_file(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Create `path` with `content` and permission bits `mode`, once.

    A reader sees the whole file or none; a power cut after the call does not lose it. An existing file is never
    touched: raises `FileExistsError`, also when two processes race. Raises `OSError` when the directory refuses.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        # A link, where a rename would replace: the name is taken in one step, or refused if there already.
        os.link(temporary, path)
    finally:
        os.unlink(temporary)
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    """Put the directory's new entry on the disk; syncing the file alone keeps its content but not its name."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
