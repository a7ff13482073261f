"""Where the node keeps its state: the data volume of an image, or a folder of the checkout.

Without NODEOS_DATA_DIR it is `/data` where that is a directory the node may write (an image's volume), and else
`.nodeos/<tier>` in the working directory (a developer's checkout). Nothing else on disk is written.
"""

from __future__ import annotations

import os
from pathlib import Path

from noderr.core.errors import DataDirError

IMAGE_DATA_DIR = Path("/data")


def prepare_data_dir(
    setting: Path | None, tier: str, *, image_dir: Path = IMAGE_DATA_DIR, working_dir: Path | None = None
) -> Path:
    """Return the absolute data directory, made if need be. Raises `DataDirError` when there is none to write to."""
    if setting is not None:
        if reason := _make_writable(setting):
            raise DataDirError(
                f"NODEOS_DATA_DIR={str(setting)!r}: {reason}. Name a directory that user {os.geteuid()} may write"
            )
        return setting.absolute()
    image_reason = _refusal(image_dir)
    if not image_reason:
        return image_dir
    fallback = (working_dir or Path.cwd()) / ".nodeos" / tier
    if reason := _make_writable(fallback):
        raise DataDirError(
            f"there is no place for the node's state: {image_dir}: {image_reason}; {fallback}: {reason}. Mount a "
            f"volume that user {os.geteuid()} may write at {image_dir}, or set NODEOS_DATA_DIR"
        )
    return fallback


def _make_writable(directory: Path) -> str:
    try:
        # For this user only: it holds the node's key.
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        return f"cannot be made ({error.strerror})"
    return _refusal(directory)


def _refusal(directory: Path) -> str:
    """Why `directory` cannot hold state, or ""."""
    if not directory.is_dir():
        return "is not a directory"
    # `access` also knows a file system that is mounted read-only.
    if not os.access(directory, os.W_OK | os.X_OK):
        return f"may not be written by user {os.geteuid()}"
    return ""
