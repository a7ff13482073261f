"""The archives under test: found below `NODEOS_ARCHIVES_DIR`, or where Pants puts them for a test."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canonical import Entry, read_tar
from node_image import audit
from node_image.description import APP, LAYER_NAMES
from node_image.dockerfile import render
from node_image.facts import ImageFacts, Layer
from node_image.manifests import parse_manifest_text
from node_image.sources import FirstParty
from noderr.types import ImageManifest

TIERS = ("guardian", "oracle", "validator")
SERVICES = ("coordinator",)


@dataclass(frozen=True)
class Archive:
    """One archive and its metadata; `layers` is a folder with the layers' tars, taken out of the archive."""

    path: Path
    metadata: Mapping[str, Any]
    layers: Path

    @property
    def name(self) -> str:
        """The tier or the service."""
        return _name(self.metadata)

    @property
    def tag(self) -> str:
        return str(self.metadata["image"]["tags"][0])

    def entries(self, layer: str) -> list[Entry]:
        """What is in one layer."""
        with (self.layers / f"{layer}.tar").open("rb") as handle:
            return list(read_tar(handle))

    def file_system(self) -> dict[str, Entry]:
        """What is in the image, by path."""
        return {entry.path: entry for layer in LAYER_NAMES for entry in self.entries(layer)}

    def manifest_text(self) -> str:
        """The manifest as it is in the image."""
        files = self.file_system()
        path = json.loads(files[audit.INVENTORY].read())["manifest"]
        return files[f"{APP.strip('/')}/{path}"].read().decode()

    def manifest(self) -> ImageManifest:
        """What the image's manifest says."""
        return parse_manifest_text(self.manifest_text())

    def facts(self) -> ImageFacts:
        """The description of the layers that `node_image.layers` wrote beside them."""
        image, packages = self.metadata["image"], self.metadata["packages"]
        base = {**self.metadata["debian"], "python_version": self.metadata["build"]["python"]}
        return ImageFacts(
            manifest_text=self.manifest_text(),
            architecture=self.metadata["architecture"],
            first_party=FirstParty(tuple(packages["present"]), tuple(packages["missing"])),
            distributions=self.metadata["distributions"],
            base=base,
            layers=tuple(Layer(**layer) for layer in image["layers"]),
        )

    def tools(self) -> dict[str, str]:
        """The versions of the tools that built it."""
        return {name: self.metadata["build"][name] for name in ("pants", "pex")}

    def build_arguments(self) -> dict[str, str]:
        """What the Dockerfile is told of the release."""
        return {
            "NODEOS_VERSION": self.metadata["version"],
            "NODEOS_COMMIT": self.metadata["revision"],
            "NODEOS_CREATED": self.metadata["created"],
        }

    def layers_folder(self, context: Path) -> Path:
        """Where the layers' tars are in a build context."""
        return context / self.manifest().repository_folder.replace("/", ".") / "layers"

    def build_context(self, folder: Path) -> Path:
        """Lay out below `folder` what an engine needs to build this image."""
        layers = self.layers_folder(folder)
        layers.mkdir(parents=True)
        for name in LAYER_NAMES:
            (layers / f"{name}.tar").hardlink_to(self.layers / f"{name}.tar")
        (folder / "Dockerfile").write_text(render(self.manifest()))
        program = folder / "build-support/node_image/audit.py"
        program.parent.mkdir(parents=True)
        shutil.copyfile(audit.__file__, program)
        return folder


def find_archive(name: str, machine: str) -> Path | None:
    """The archive of a tier or a service for this machine's architecture, or nothing."""
    root = Path(os.environ.get("NODEOS_ARCHIVES_DIR") or ".")
    for metadata in sorted([*root.glob(f"{name}-*.tar.gz.json"), *root.glob(f"*/{name}-*.tar.gz.json")]):
        document = json.loads(metadata.read_text())
        if (_name(document), document["architecture"]) == (name, machine):
            return metadata.with_suffix("")
    return None


def _name(metadata: Mapping[str, Any]) -> str:
    return str(metadata.get("tier") or metadata["service"])


def open_archive(path: Path, folder: Path) -> Archive:
    """Take the layers out of an archive into `folder`."""
    metadata = json.loads(Path(f"{path}.json").read_text())
    with tarfile.open(path) as tar:
        for layer in metadata["image"]["layers"]:
            blob = tar.extractfile(layer["diff_id"].replace("sha256:", "blobs/sha256/"))
            assert blob is not None
            with (folder / f"{layer['name']}.tar").open("wb") as out:
                shutil.copyfileobj(blob, out)
    return Archive(path, metadata, folder)
