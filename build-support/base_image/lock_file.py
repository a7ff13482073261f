"""The committed locks, `<architecture>.lock`: exact packages by name, version, pool path, size and sha256, and no host.

A lock carries the digest of the list it was made from and of its own content, so that an old or a hand-edited one is
found before anything is built from it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from base_image.errors import LockEdited, LockMissing, LockStale
from base_image.layout import PYTHON_PACKAGE
from base_image.package_list import PackageList
from canonical import json_bytes, json_text, sha256_of

REFRESH = "Run `./pants lock debian` and commit the result."
_FORMAT = 1
_DATE = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class LockedPackage:
    """One package file; `archive` is `debian` or `debian-security`, `path` is below it, `size` is in bytes."""

    name: str
    version: str
    architecture: str
    archive: str
    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Lock:
    """All packages of one architecture, sorted by name; `date` is that of the newest Release file they come from."""

    suite: str
    architecture: str
    date: datetime
    list_sha256: str
    packages: tuple[LockedPackage, ...]

    @property
    def versions(self) -> dict[str, str]:
        """Package names to versions."""
        return {package.name: package.version for package in self.packages}

    @property
    def python_version(self) -> str:
        """The version of CPython without Debian's revision. Raises `LockStale` when the lock has no Python."""
        version = self.versions.get(PYTHON_PACKAGE)
        if version is None:
            raise LockStale(f"the {self.architecture} lock has no {PYTHON_PACKAGE}: list it in packages.txt. {REFRESH}")
        return version.partition("-")[0]


def render_lock(lock: Lock) -> str:
    """The text of the committed file."""
    body = {
        "format": _FORMAT,
        "suite": lock.suite,
        "architecture": lock.architecture,
        "date": lock.date.strftime(_DATE),
        "list_sha256": lock.list_sha256,
        "packages": [asdict(package) for package in sorted(lock.packages, key=lambda package: package.name)],
    }
    return json_text({**body, "digest": sha256_of(json_bytes(body))})


def read_lock(source: Path) -> Lock:
    """Read one lock and check it against its own digest. Raises `LockMissing` or `LockEdited`."""
    try:
        text = source.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise LockMissing(f"{source} is missing. {REFRESH}") from error
    try:
        body: Mapping[str, Any] = json.loads(text)
        content = {key: value for key, value in body.items() if key != "digest"}
        intact = body["digest"] == sha256_of(json_bytes(content)) and body["format"] == _FORMAT
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise LockEdited(f"{source} is no lock any more ({error!r}): edited by hand, or cut. {REFRESH}") from error
    if not intact:
        raise LockEdited(f"{source} was edited by hand: edit packages.txt instead. {REFRESH}")
    return Lock(
        suite=body["suite"],
        architecture=body["architecture"],
        date=datetime.strptime(body["date"], _DATE).replace(tzinfo=UTC),
        list_sha256=body["list_sha256"],
        packages=tuple(LockedPackage(**package) for package in body["packages"]),
    )


def check_against_list(lock: Lock, listed: PackageList, source: Path) -> None:
    """Raise `LockStale` when `lock` was made for another package list than the one beside it."""
    if lock.list_sha256 != listed.sha256:
        raise LockStale(f"{source} is older than packages.txt beside it. {REFRESH}")


def check_together(first: Lock, second: Lock) -> None:
    """Raise `LockStale` when two architectures are not made of one Python: bytecode is made once for both."""
    mine, other = first.versions.get(PYTHON_PACKAGE), second.versions.get(PYTHON_PACKAGE)
    if mine != other:
        raise LockStale(
            f"{PYTHON_PACKAGE} is {mine} in the {first.architecture} lock and {other} in the {second.architecture} one."
            f" {REFRESH}"
        )
