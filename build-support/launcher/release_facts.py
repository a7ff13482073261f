"""What a build says of itself: the version of the VERSION file, the commit and the commit's time."""

from __future__ import annotations

import datetime
import os
import re
import subprocess
from pathlib import Path

from launcher.errors import BadVersion

# What `noderr.types.Version` accepts, said again because the launcher runs on a Python that cannot import it; a test
# holds the two together.
_SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?",
    re.ASCII,
)


def is_version(text: str) -> bool:
    """Whether `text` is MAJOR.MINOR.PATCH, with or without a pre-release."""
    return bool(_SEMVER.fullmatch(text))


def version(root: Path) -> str:
    """The text of VERSION. Raises `BadVersion` unless it is a semantic version that an image tag can carry."""
    path = root / "VERSION"
    text = path.read_text(encoding="utf-8").strip() if path.exists() else ""
    if not is_version(text):
        raise BadVersion(f"VERSION holds {text!r}: write MAJOR.MINOR.PATCH, for example 1.4.0 or 1.5.0-rc.1.")
    return text


def facts(root: Path) -> dict[str, str]:
    """The variables that the build reads. Outside a checkout the commit is "unknown" unless the caller sets it."""
    commit = os.environ.get("NODEOS_COMMIT") or _git(root, "rev-parse", "HEAD")
    seconds = os.environ.get("NODEOS_COMMIT_TIME") or _git(root, "log", "-1", "--format=%ct")
    if commit and not os.environ.get("NODEOS_COMMIT") and _git(root, "status", "--porcelain"):
        commit += "-dirty"
    created = datetime.datetime.fromtimestamp(int(seconds or 0), datetime.timezone.utc)
    return {
        "NODEOS_VERSION": version(root),
        "NODEOS_COMMIT": commit or "unknown",
        "NODEOS_COMMIT_TIME": seconds or "0",
        "NODEOS_CREATED": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
