"""The metadata beside every archive, `<archive>.json`: what the build says it made."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from noderr.types import Version

Architecture = Literal["amd64", "arm64"]
ARCHITECTURES: tuple[Architecture, ...] = ("amd64", "arm64")

Hex = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
Digest = Annotated[str, msgspec.Meta(pattern=r"^sha256:[0-9a-f]{64}$")]
Bytes = Annotated[int, msgspec.Meta(ge=0)]
Tier = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Instant = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")]


class ArchiveFacts(msgspec.Struct, frozen=True):
    """The archive as a file; `tar_sha256` and `tar_size` are of the tar inside the gzip."""

    file: str
    size: Bytes
    sha256: Hex
    tar_sha256: Hex
    tar_size: Bytes
    compressor: str


class LayerFacts(msgspec.Struct, frozen=True):
    """One layer; `diff_id` is the digest of its uncompressed tar, `size` the bytes of it."""

    name: str
    diff_id: Digest
    size: Bytes


class ImageFacts(msgspec.Struct, frozen=True):
    """The image inside; `id` is the digest of its configuration."""

    id: Digest
    tags: list[str]
    layers: Annotated[list[LayerFacts], msgspec.Meta(min_length=1)]


class Metadata(msgspec.Struct, frozen=True):
    """What the publisher reads of the metadata. Other keys are published as they are."""

    schema: Literal[1]
    tier: Tier
    version: str
    architecture: Architecture
    revision: Annotated[str, msgspec.Meta(min_length=1)]
    created: Instant
    archive: ArchiveFacts
    image: ImageFacts

    def __post_init__(self) -> None:
        Version(self.version)
        # 1.0.0-arm64 of amd64 and 1.0.0 of arm64 would have one key.
        if self.version.endswith(tuple(f"-{architecture}" for architecture in ARCHITECTURES)):
            raise ValueError(f"version {self.version!r} must not end with the name of an architecture")


def parse_metadata(data: bytes) -> Metadata:
    """Check the bytes of a metadata file. Raises `msgspec.MsgspecError` naming the field and the value's type."""
    return msgspec.json.decode(data, type=Metadata)
