"""The tar inside an archive: one image, readable as `docker save` output and as an OCI layout.

Engines before 25 read `manifest.json`, later ones and containerd read `index.json`; both name the same blobs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canonical import Entry, json_bytes, sha256_of, with_parents
from node_image.config import canonical_config
from node_image.facts import Layer, layer_path
from node_image.release import Release, release_of

_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
_INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
# Docker's full form of a name without a registry. containerd keeps names as they are and Docker asks for this one.
_NAME_ANNOTATION = "io.containerd.image.name"
_FULL_NAME_PREFIX = "docker.io/library/"
_REF_ANNOTATION = "org.opencontainers.image.ref.name"


@dataclass(frozen=True)
class ImageTar:
    """The entries of the tar, and what the metadata says of the image."""

    entries: list[Entry]
    image_id: str
    release: Release
    tags: tuple[str, ...]
    layers: tuple[Layer, ...]


def image_tar(found: Mapping[str, Any], layers: Sequence[Layer], folder: Path, repository: str) -> ImageTar:
    """The image with the engine's configuration `found` over the tars in `folder`.

    Raises `ReleaseError` or `SavedImageError` when the configuration is not one of ours.
    """
    config = canonical_config(found, [layer.diff_id for layer in layers])
    release = release_of(config["config"]["Labels"])
    tags = (f"{repository}:{release.version}", f"{repository}:latest")
    blobs: dict[str, bytes | Path] = {layer.diff_id: layer_path(folder, layer.name) for layer in layers}
    image_id = _add(blobs, json_bytes(config))
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST_TYPE,
        "config": {"mediaType": _CONFIG_TYPE, "digest": image_id, "size": len(json_bytes(config))},
        "layers": [{"mediaType": _LAYER_TYPE, "digest": layer.diff_id, "size": layer.size} for layer in layers],
    }
    manifest_digest = _add(blobs, json_bytes(manifest))
    descriptor = {
        "mediaType": _MANIFEST_TYPE,
        "digest": manifest_digest,
        "size": len(json_bytes(manifest)),
        "platform": {"architecture": config["architecture"], "os": config["os"]},
    }
    index = {
        "schemaVersion": 2,
        "mediaType": _INDEX_TYPE,
        "manifests": [
            {
                **descriptor,
                "annotations": {
                    _NAME_ANNOTATION: f"{_FULL_NAME_PREFIX}{tag}",
                    _REF_ANNOTATION: tag.partition(":")[2],
                },
            }
            for tag in tags
        ],
    }
    docker = [
        {
            "Config": _blob_path(image_id),
            "RepoTags": list(tags),
            "Layers": [_blob_path(layer.diff_id) for layer in layers],
        }
    ]
    files: dict[str, bytes | Path] = {
        "index.json": json_bytes(index),
        "manifest.json": json_bytes(docker),
        "oci-layout": json_bytes({"imageLayoutVersion": "1.0.0"}),
        **{_blob_path(digest): content for digest, content in blobs.items()},
    }
    entries = with_parents(Entry(path, "file", 0o644, content=content) for path, content in files.items())
    return ImageTar(entries, image_id, release, tags, tuple(layers))


def _add(blobs: dict[str, bytes | Path], content: bytes) -> str:
    digest = f"sha256:{sha256_of(content)}"
    blobs[digest] = content
    return digest


def _blob_path(digest: str) -> str:
    return digest.replace("sha256:", "blobs/sha256/")
