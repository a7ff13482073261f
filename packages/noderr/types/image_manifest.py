"""What the manifests of tiers and services have in common: all that the build needs to know to make an image.

Standard library only, because the build reads manifests before anything is installed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from noderr.types.errors import ManifestError


@dataclass(frozen=True)
class Range:
    """An inclusive range: what a node needs at least, and the limit it runs under."""

    min: int
    max: int


@dataclass(frozen=True, kw_only=True)
class ImageManifest(ABC):
    """One image's facts. Memory and storage are GB, CPU is cores."""

    kind: ClassVar[str]
    """What the manifest describes, and the stem of its file: "tier" in `tier.toml`, "service" in `service.toml`."""
    noun: ClassVar[str]
    """What a person calls one that runs: an oracle "node", a coordinator "service"."""

    responsibility: str
    packages: tuple[str, ...]
    cpu_cores: Range
    memory_gb: Range
    storage_gb: int

    @property
    @abstractmethod
    def name(self) -> str:
        """The name that image, archive and folder carry: `oracle`, `coordinator`."""

    @property
    @abstractmethod
    def ports(self) -> Mapping[str, int]:
        """TCP ports by what listens there: `{"http": 3002, "grpc": 50052}`."""

    @property
    @abstractmethod
    def folder(self) -> str:
        """Where the manifest is below the import roots, and so in an image: `tiers/oracle`, `noderr/coordinator`."""

    @property
    @abstractmethod
    def repository_folder(self) -> str:
        """Where the manifest is in the repository: `tiers/oracle`, `packages/noderr/coordinator`."""

    @property
    @abstractmethod
    def start_file(self) -> str:
        """The file of `repository_folder` in which everything that runs is put together."""

    @property
    def labels(self) -> Mapping[str, str]:
        """What the image says of itself beside the labels that every image has."""
        return {f"io.noderr.{self.kind}": self.name}

    @property
    def file_name(self) -> str:
        """The manifest's own file name."""
        return f"{self.kind}.toml"

    @property
    def modules(self) -> tuple[str, ...]:
        """The import names of the packages, in the manifest's order: `ml-client` is `noderr.ml_client`."""
        return tuple(f"noderr.{folder_name(package)}" for package in self.packages)


def folder_name(package: str) -> str:
    """The folder of a package, which is its module's name: `ml-client` is in `ml_client`."""
    return package.replace("-", "_")


def check_manifests(manifests: Iterable[ImageManifest]) -> None:
    """Check what no single manifest can: a port belongs to one tier or service only. Raises `ManifestError`."""
    owners: dict[int, str] = {}
    problems = []
    for manifest in manifests:
        for port in manifest.ports.values():
            owner = owners.setdefault(port, manifest.name)
            if owner != manifest.name:
                problems.append(
                    f"port {port} of {manifest.name} is in use by {owner}: give each tier and service ports of its own"
                )
    if problems:
        raise ManifestError("tiers/*/tier.toml and packages/noderr/*/service.toml", problems)
