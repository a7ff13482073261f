"""Where things are: every key of the destination, and what kind of object stands there."""

from __future__ import annotations

from dataclasses import dataclass

from publisher.metadata import Architecture


@dataclass(frozen=True)
class Triple:
    """The keys of an archive, its checksum file and its metadata."""

    archive: str

    @property
    def checksum(self) -> str:
        """The key of the `sha256sum -c` file."""
        return f"{self.archive}.sha256"

    @property
    def metadata(self) -> str:
        """The key of the metadata."""
        return f"{self.archive}.json"

    @property
    def file(self) -> str:
        """The archive's file name, as its checksum file must name it."""
        return self.archive.rpartition("/")[2]


def versioned(tier: str, version: str, architecture: Architecture) -> Triple:
    """Keys that never change once written. amd64 has the seed's names, other architectures a suffix."""
    return Triple(f"{tier}/{tier}-{version}{_suffix(architecture)}.tar.gz")


def latest(tier: str, architecture: Architecture) -> Triple:
    """Copies of the latest version, for people; programs read `pointer`."""
    return Triple(f"{tier}/{tier}-latest{_suffix(architecture)}.tar.gz")


def pointer(tier: str) -> str:
    """The one object that says what is latest."""
    return f"{tier}/latest.json"


def repository(tier: str) -> str:
    """The image's name, on every registry."""
    return f"noderr-{tier}"


def blob(tier: str, digest: str) -> str:
    """A layer or a configuration in the read-only registry."""
    return f"v2/{repository(tier)}/blobs/{digest}"


def manifest(tier: str, reference: str) -> str:
    """A manifest or an index in the read-only registry, by tag or by digest."""
    return f"v2/{repository(tier)}/manifests/{reference}"


def architecture_tag(version: str, architecture: Architecture) -> str:
    """The tag of one architecture's image: written last of its image, so where it is, the whole image is."""
    return f"{version}-{architecture}"


def _suffix(architecture: Architecture) -> str:
    return "" if architecture == "amd64" else f"-{architecture}"
