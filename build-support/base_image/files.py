"""Files that appear whole or not at all, and a clear word when the disk is full."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from base_image.errors import DiskFull
from canonical import Entry


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes the name `path` when the block ends well, and leaves nothing behind otherwise.

    Raises `DiskFull` when the space ends.
    """
    with disk_full_is_clear(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as handle:
                yield handle
            # mkstemp makes private files; these are shared with whoever builds next.
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise


@contextmanager
def disk_full_is_clear(path: Path) -> Iterator[None]:
    """Turn the operating system's word for a full disk or quota, anywhere in the block, into `DiskFull`."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                f"{path}: no space left there ({error.strerror}); make room or choose another place."
            ) from error
        raise


def write_tree(entries: Iterable[Entry], root: Path) -> None:
    """Write files and links below `root`, links last so that nothing is written through one. Raises `DiskFull`."""
    links = []
    with disk_full_is_clear(root):
        for entry in entries:
            path = root / entry.path
            if entry.kind == "dir":
                path.mkdir(parents=True, exist_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            if entry.kind == "symlink":
                links.append((path, entry.target))
            else:
                path.write_bytes(entry.read())
                path.chmod(0o755 if entry.mode & 0o100 else 0o644)
        for path, target in links:
            path.symlink_to(target)
