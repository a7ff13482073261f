"""What a build says of itself: the version of the VERSION file, the commit and the commit's time."""

from __future__ import annotations

import datetime
import os
import re
import subprocess
from pathlib import Path

from launcher.errors import BadVersion

# https://semver.org, with its own regular expression less build metadata: '+' is not allowed in an image tag.
_SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
)


def version(root: Path) -> str:
    """The text of VERSION. Raises `BadVersion` unless it is a semantic version that an image tag can carry."""
    path = root / "VERSION"
    text = path.read_text(encoding="utf-8").strip() if path.exists() else ""
    if not _SEMVER.fullmatch(text):
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
