"""Files that appear whole or not at all, and that are on the disk when the call returns."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


def create_file(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Create `path` with `content` and permission bits `mode`, once.

    A reader sees the whole file or none; a power cut after the call does not lose it. An existing file is never
    touched: raises `FileExistsError`, also when two processes race. Raises `OSError` when the directory refuses.
    """
    with _temporary_file(path, content, mode) as temporary:
        # A link, where a rename would replace: the name is taken in one step, or refused if there already.
        os.link(temporary, path)


def replace_file(path: Path, content: bytes, *, mode: int = 0o600, keep_old_as: Path | None = None) -> None:
    """Make `content` with permission bits `mode` the content of `path`, whether it exists or not.

    A reader sees the old file or the new one, never a mixture; a power cut after the call does not lose the new one.
    With `keep_old_as`, in the same directory, the old file stays under that name, in place of what had it.
    Raises `OSError` when the directory refuses or the disk is full; the old file is then untouched.
    """
    with _temporary_file(path, content, mode) as temporary:
        if keep_old_as is not None:
            _link_over(path, keep_old_as)
        os.replace(temporary, path)


def remove_temporary_files(path: Path) -> None:
    """Remove what killed writers of `path` left beside it. Only for the one process that writes it."""
    for entry in path.parent.iterdir():
        if entry.name.startswith(_prefix(path)):
            entry.unlink(missing_ok=True)


@contextlib.contextmanager
def _temporary_file(path: Path, content: bytes, mode: int) -> Iterator[str]:
    """A synced file beside `path` for the caller to put in its place; then the directory is synced as well."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=_prefix(path))
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        yield temporary
    finally:
        with contextlib.suppress(FileNotFoundError):  # A rename has taken it away.
            os.unlink(temporary)
    sync_directory(path.parent)


def _link_over(path: Path, second: Path) -> None:
    """Make `second` another name of the file `path`, whatever `second` was before; both are there at every moment."""
    temporary = second.with_name(f"{_prefix(second)}link")
    temporary.unlink(missing_ok=True)
    os.link(path, temporary)
    os.replace(temporary, second)
    temporary.unlink(
        missing_ok=True
    )  # Still there when both names were the file's already: a rename then does nothing.


def _prefix(path: Path) -> str:
    return f".{path.name}.tmp-"


def sync_directory(directory: Path) -> None:
    """Put the directory's new entry on the disk; syncing the file alone keeps its content but not its name."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
