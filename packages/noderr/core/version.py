"""The version of the build, from the VERSION file."""

from __future__ import annotations

import re
from pathlib import Path

from noderr.core.errors import VersionError

_NUMBER = r"(?:0|[1-9]\d*)"
_PART = r"(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)"
_SEMVER = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_PART}(?:\.{_PART})*)?", re.ASCII)


def read_version(source: Path) -> str:
    """Read MAJOR.MINOR.PATCH[-pre] from `source`. Raises `VersionError`, which says what stands there instead."""
    try:
        text = source.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise VersionError(f"{source} cannot be read ({error}): it must hold the version, such as 1.2.3") from error
    if not _SEMVER.fullmatch(text):
        raise VersionError(
            f"{source} holds {text[:80]!r}, which is no semantic version: write MAJOR.MINOR.PATCH or "
            "MAJOR.MINOR.PATCH-PRE, such as 1.2.3 or 1.3.0-rc.1"
        )
    return text
