"""The version of the build, from the VERSION file."""

from __future__ import annotations

from pathlib import Path

from noderr.core.errors import VersionError
from noderr.types import Version


def read_version(source: Path) -> str:
    """Read MAJOR.MINOR.PATCH[-pre] from `source`. Raises `VersionError`, which says what stands there instead."""
    try:
        text = source.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise VersionError(f"{source} cannot be read ({error}): it must hold the version, such as 1.2.3") from error
    try:
        Version(text)
    except ValueError as error:
        raise VersionError(f"{source}: {error}") from error
    return text
