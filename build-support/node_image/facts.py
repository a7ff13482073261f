"""`image.json`: what the layers of one image are, written beside them and read by what comes after."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from canonical import json_text, sha256_of_file
from node_image.description import LAYER_NAMES, ImageDescription, describe
from node_image.errors import LayerError
from node_image.manifests import parse_manifest_text
from node_image.sources import FirstParty
from noderr.types import ImageManifest

FILE_NAME = "image.json"
_SCHEMA = 1
_BASE_KEYS = ("architecture", "lock_sha256", "packages", "python_version", "suite")


@dataclass(frozen=True)
class Layer:
    """One layer: `diff_id` is `sha256:` and the digest of its tar, `size` the bytes of that."""

    name: str
    diff_id: str
    size: int


@dataclass(frozen=True)
class ImageFacts:
    """One image's layers and what is in them. `base` is what the base image's own build says."""

    manifest_text: str
    architecture: str
    first_party: FirstParty
    distributions: Mapping[str, str]
    base: Mapping[str, Any]
    layers: tuple[Layer, ...]

    @property
    def manifest(self) -> ImageManifest:
        """The manifest as it is in the image."""
        return parse_manifest_text(self.manifest_text)

    @property
    def description(self) -> ImageDescription:
        """The description that follows from the manifest."""
        return describe(self.manifest)

    def write(self, folder: Path) -> None:
        """Write `image.json` into `folder`."""
        document = {
            "schema": _SCHEMA,
            self.manifest.kind: self.manifest.name,
            "manifest": self.manifest_text,
            "architecture": self.architecture,
            "packages": asdict(self.first_party),
            "distributions": dict(self.distributions),
            "base": dict(self.base),
            "layers": [asdict(layer) for layer in self.layers],
        }
        (folder / FILE_NAME).write_text(json_text(document), encoding="utf-8")


def read_facts(source: Path) -> ImageFacts:
    """Read an `image.json`. Raises `LayerError` when it is none."""
    try:
        document = json.loads(source.read_text(encoding="utf-8"))
        if document["schema"] != _SCHEMA:
            raise LayerError(f"{source}: schema {document['schema']} is not {_SCHEMA}; make the layers again")
        return ImageFacts(
            manifest_text=document["manifest"],
            architecture=document["architecture"],
            first_party=FirstParty(tuple(document["packages"]["present"]), tuple(document["packages"]["missing"])),
            distributions=document["distributions"],
            base=document["base"],
            layers=tuple(Layer(**layer) for layer in document["layers"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LayerError(
            f"{source}: is not what node_image.layers writes ({error!r}); make the layers again"
        ) from error


def read_base_facts(source: Path, architecture: str) -> dict[str, Any]:
    """Read what the base image's build says of it. Raises `LayerError` unless it is a base for `architecture`."""
    try:
        document = json.loads(source.read_text(encoding="utf-8"))
        found = {key: document[key] for key in _BASE_KEYS}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LayerError(f"{source}: is not what base_image.rootfs writes ({error!r}); build the base again") from error
    if found["architecture"] != architecture:
        raise LayerError(f"{source}: the base is for {found['architecture']}, and the image for {architecture}")
    return found


def layer_of(name: str, tar: Path) -> Layer:
    """Describe one layer's tar."""
    return Layer(name, f"sha256:{sha256_of_file(tar)}", tar.stat().st_size)


def layer_path(folder: Path, name: str) -> Path:
    """Where the tar of the layer `name` is."""
    return folder / f"{name}.tar"


def check_layers(folder: Path, layers: tuple[Layer, ...]) -> None:
    """Compare the tars in `folder` with their description. Raises `LayerError`."""
    if tuple(layer.name for layer in layers) != LAYER_NAMES:
        raise LayerError(f"{folder / FILE_NAME}: must describe the layers {', '.join(LAYER_NAMES)}, lowest first")
    for layer in layers:
        path = layer_path(folder, layer.name)
        if not path.is_file():
            raise LayerError(f"{path}: is missing; make the layers again")
        if layer_of(layer.name, path) != layer:
            raise LayerError(f"{path}: is not the layer that {FILE_NAME} describes; make the layers again")
