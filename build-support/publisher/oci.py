"""The documents of an OCI image (https://github.com/opencontainers/image-spec), as far as a publisher needs them."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from publisher.metadata import Architecture, Digest
from publisher.store import Content

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


class Platform(msgspec.Struct, frozen=True):
    """What a machine must be to run an image."""

    architecture: str
    os: str = "linux"


class Descriptor(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A reference to bytes by their digest."""

    media_type: str
    digest: Digest
    size: int
    platform: Platform | None = None


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """One architecture's image."""

    config: Descriptor
    layers: list[Descriptor]
    media_type: str = MANIFEST_TYPE
    schema_version: int = 2


class Index(msgspec.Struct, frozen=True, rename="camel"):
    """Images of several architectures under one name."""

    manifests: list[Descriptor]
    media_type: str = INDEX_TYPE
    schema_version: int = 2


class RootFs(msgspec.Struct, frozen=True):
    """The digests of the uncompressed layers."""

    diff_ids: list[Digest]


class Config(msgspec.Struct, frozen=True):
    """What the publisher checks of an image's configuration."""

    architecture: str
    rootfs: RootFs


def encode(document: Manifest | Index) -> Content:
    """A document as the bytes that its digest is of: one order of keys, no spaces."""
    return Content.of(msgspec.json.encode(document, order="deterministic"))


def parse_manifest(data: bytes) -> Manifest:
    """The manifest in `data`. Raises `msgspec.MsgspecError`."""
    return msgspec.json.decode(data, type=Manifest)


def tag(manifests: Mapping[Architecture, Content]) -> tuple[Content, str]:
    """What a tag of these images holds, and its media type: the one manifest, or an index of several."""
    if len(manifests) == 1:
        return next(iter(manifests.values())), MANIFEST_TYPE
    images = [
        Descriptor(MANIFEST_TYPE, f"sha256:{manifest.sha256}", manifest.size, Platform(architecture))
        for architecture, manifest in sorted(manifests.items())
    ]
    return encode(Index(images)), INDEX_TYPE
