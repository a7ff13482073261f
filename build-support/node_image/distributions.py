"""The third-party distributions of a flat installation, and what must hold between them."""

from __future__ import annotations

import filecmp
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PathDistribution
from pathlib import Path

from node_image.errors import DistributionError


@dataclass(frozen=True)
class Distribution:
    """One installed distribution; `files` maps its paths to the hashes that its RECORD gives."""

    name: str
    version: str
    files: dict[str, str]


def read_distributions(tree: Path) -> list[Distribution]:
    """Every distribution below `tree`, sorted by normalised name. Raises `DistributionError` for one without a name."""
    found = []
    for folder in sorted(tree.glob("*.dist-info")):
        installed = PathDistribution(folder)
        name, version = installed.metadata.get("Name"), installed.metadata.get("Version")
        if not name or not version:
            raise DistributionError(f"{folder.name}: METADATA names no distribution; the wheel is damaged")
        files = {path.as_posix(): path.hash.value for path in installed.files or () if path.hash}
        found.append(Distribution(re.sub(r"[-_.]+", "-", name).lower(), version, files))
    return sorted(found, key=lambda one: one.name)


def check_owners(distributions: Iterable[Distribution]) -> None:
    """Refuse a distribution that is there twice, and two that own one file with different bytes.

    Which bytes win would depend on the order in which they were installed.
    """
    owners: dict[str, Distribution] = {}
    names: dict[str, str] = {}
    for one in distributions:
        if one.name in names:
            raise DistributionError(f"{one.name} is there twice: versions {names[one.name]} and {one.version}")
        names[one.name] = one.version
        for path, digest in one.files.items():
            owner = owners.setdefault(path, one)
            if owner.files[path] != digest:
                raise DistributionError(
                    f"{path} is owned by {owner.name} {owner.version} and by {one.name} {one.version} with different "
                    "bytes: only one of them can be in an image"
                )


def check_shared(shared: Path, everything: Path, files: Iterable[str]) -> None:
    """The shared layer must be a part of the whole: same files, same bytes, or the two came from different locks."""
    for path in files:
        if not (everything / path).is_file():
            raise DistributionError(
                f"{path} is in the shared installation and not in the image's: an image has all shared"
            )
        if not filecmp.cmp(shared / path, everything / path, shallow=False):
            raise DistributionError(
                f"{path} differs between the shared installation and the image's: use one lock for both"
            )
