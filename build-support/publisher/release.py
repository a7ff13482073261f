"""What is published together: the archives of one tier and one version, one for each architecture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from noderr.types import Version
from publisher.archive import Archive
from publisher.errors import ArchivesDisagree
from publisher.image import Image
from publisher.metadata import Architecture


@dataclass(frozen=True)
class Build:
    """An archive and the image inside it."""

    archive: Archive
    image: Image


@dataclass(frozen=True)
class Release:
    """Builds of one version that come from one commit."""

    tier: str
    version: str
    revision: str
    created: str
    builds: Mapping[Architecture, Build]


def releases(builds: Iterable[Build]) -> list[Release]:
    """Group builds into releases, by tier and then from the oldest version up. Raises `ArchivesDisagree`."""
    grouped: dict[tuple[str, Version], dict[Architecture, Build]] = {}
    for build in builds:
        metadata = build.archive.metadata
        group = grouped.setdefault((metadata.tier, Version(metadata.version)), {})
        if (twin := group.get(metadata.architecture)) is not None:
            raise ArchivesDisagree(
                f"{twin.archive.path} and {build.archive.path} are both {metadata.tier} {metadata.version} for "
                f"{metadata.architecture}: give one of them."
            )
        group[metadata.architecture] = build
    return [_release(tier, str(version), group) for (tier, version), group in sorted(grouped.items())]


def check_revision(tier: str, version: str, ours: str, other: str, other_place: str) -> None:
    """Raise `ArchivesDisagree` unless both architectures come from one commit."""
    if ours != other:
        raise ArchivesDisagree(
            f"{tier} {version} was built from {ours} here and from {other} in {other_place}: one version is one "
            "commit. Build all architectures from the same commit, or bump VERSION."
        )


def _release(tier: str, version: str, builds: dict[Architecture, Build]) -> Release:
    first, *others = [build.archive for build in builds.values()]
    for other in others:
        check_revision(tier, version, first.metadata.revision, other.metadata.revision, str(other.path))
    return Release(tier, version, first.metadata.revision, first.metadata.created, dict(sorted(builds.items())))
