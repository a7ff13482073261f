"""The manifest of a service of the network operator: `packages/noderr/<name>/service.toml`. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from noderr.types.image_manifest import ImageManifest, folder_name
from noderr.types.manifest_reader import ManifestReader, read_document, read_text
from noderr.types.packages import KNOWN_PACKAGES, OPERATOR_SERVICES


@dataclass(frozen=True, kw_only=True)
class ServiceManifest(ImageManifest):
    """One service. `nodes_port` is None where no node calls it."""

    kind: ClassVar[str] = "service"
    noun: ClassVar[str] = "service"

    service: str
    http_port: int
    nodes_port: int | None

    @property
    def name(self) -> str:
        return self.service

    @property
    def ports(self) -> Mapping[str, int]:
        return {"http": self.http_port, **({} if self.nodes_port is None else {"nodes": self.nodes_port})}

    @property
    def folder(self) -> str:
        return f"noderr/{folder_name(self.service)}"

    @property
    def repository_folder(self) -> str:
        return f"packages/{self.folder}"

    @property
    def start_file(self) -> str:
        return "__main__.py"


def load_service_manifest(source: Path) -> ServiceManifest:
    """Read and check one manifest. Raises `ManifestError` with every problem found in it."""
    return parse_service_manifest(read_text(source), name=str(source))


def parse_service_manifest(text: str, *, name: str = "service.toml") -> ServiceManifest:
    """Check the text of one manifest; `name` is what errors call it."""
    reader = ManifestReader(
        name, read_document(text, name), ("service", "responsibility", "packages", "ports", "resources")
    )
    ports = reader.table("ports", ("http", "nodes"))
    manifest = ServiceManifest(
        service=reader.choice("service", OPERATOR_SERVICES),
        responsibility=reader.string("responsibility"),
        packages=reader.packages(KNOWN_PACKAGES | set(OPERATOR_SERVICES)),
        http_port=reader.port(ports, "ports.http"),
        nodes_port=reader.port(ports, "ports.nodes") if "nodes" in ports else None,
        **reader.resources(),
    )
    if manifest.service in OPERATOR_SERVICES and manifest.service not in manifest.packages:
        reader.problem(f"package {manifest.service!r} is not listed: a service carries the package of its own name")
    if manifest.http_port == manifest.nodes_port != 0:
        reader.problem(f"ports.http and ports.nodes are both {manifest.http_port}: choose two ports")
    reader.finish()
    return manifest
