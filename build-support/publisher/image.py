"""The image inside an archive, as a registry serves it: layers gzip-compressed, a manifest over them."""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import deflate

from publisher.archive import Archive
from publisher.errors import ArchiveCorrupt
from publisher.store import CHUNK_BYTES, Content

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"

_LEVEL = 9
"""libdeflate's level: 12 makes a layer 1.8 % smaller and takes four times as long."""
_MEMBER_BYTES = 64 << 20
"""A layer above this is several gzip members, which every reader of gzip joins. It bounds our memory."""
_SMALL_BYTES = 4 << 20
"""No configuration and no manifest is larger; what is, and is no layer, has no place in an archive."""


@dataclass(frozen=True)
class Image:
    """One architecture's image: `manifest` names by digest everything in `blobs` (digest: content)."""

    manifest: Content
    blobs: dict[str, Content]


class Reader(Protocol):
    """What `tarfile` needs of a stream."""

    def read(self, size: int, /) -> bytes: ...


def read_image(archive: Archive, work: Path, progress: Callable[[int], None]) -> Image:
    """Open an archive, check every digest in it, and write its compressed layers to `work`.

    A layer that is in `work` already is not compressed again: tiers share layers. `progress` is told how many bytes of the
    tar are read. Raises `ArchiveCorrupt`.
    """
    layers = {layer.diff_id for layer in archive.metadata.image.layers}
    small: dict[str, bytes] = {}
    try:
        with gzip.open(archive.path, "rb") as unzipped:
            source = _Hashed(unzipped, progress)
            with tarfile.open(fileobj=source, mode="r|", bufsize=CHUNK_BYTES) as tar:
                for member in tar:
                    body = tar.extractfile(member) if member.isreg() else None
                    if body is not None:
                        _take(member, body, layers, small, work)
            source.drain()
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise ArchiveCorrupt(f"{archive.path}: is no gzip of a tar: {error}. Build it again.") from error
    facts = archive.metadata.archive
    if (source.sha256, source.size) != (facts.tar_sha256, facts.tar_size):
        raise ArchiveCorrupt(
            f"{archive.path}: the tar inside has sha256 {source.sha256} and {source.size} bytes, its metadata says "
            f"{facts.tar_sha256} and {facts.tar_size}. Build it again."
        )
    return _Assembler(archive, small, work).image()


class _Hashed:
    """Reads a stream, hashing what passes."""

    def __init__(self, source: Reader, progress: Callable[[int], None]) -> None:
        self._source, self._progress = source, progress
        self._hasher = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._hasher.update(data)
        self.size += len(data)
        self._progress(self.size)
        return data

    def drain(self) -> None:
        """Read what stands after the tar's end, so that the hash is of all."""
        while self.read(CHUNK_BYTES):
            pass

    @property
    def sha256(self) -> str:
        return self._hasher.hexdigest()


def _take(member: tarfile.TarInfo, body: Any, layers: set[str], small: dict[str, bytes], work: Path) -> None:
    """Keep one file of the archive: a layer compressed on disk, anything else in memory."""
    digest = f"sha256:{member.name.removeprefix('blobs/sha256/')}"
    if digest in layers:
        found = _compress(body, work / digest.removeprefix("sha256:"))
        if found != digest:
            raise ArchiveCorrupt(f"{member.name}: its bytes have the digest {found}. Build the archive again.")
    elif member.size > _SMALL_BYTES:
        raise ArchiveCorrupt(f"{member.name}: {member.size} bytes that are none of the layers in the archive's metadata.")
    else:
        data = body.read()
        if member.name.startswith("blobs/") and digest != f"sha256:{hashlib.sha256(data).hexdigest()}":
            raise ArchiveCorrupt(f"{member.name}: its bytes have another digest. Build the archive again.")
        small[member.name] = data


def _compress(body: BinaryIO, target: Path) -> str:
    """Compress a layer to `target` unless it is there, and return the digest of the uncompressed bytes."""
    hasher = hashlib.sha256()
    there = target.exists()
    partial = target.with_suffix(".partial")
    with (target if there else partial).open("rb" if there else "wb") as out:
        while chunk := body.read(_MEMBER_BYTES):
            hasher.update(chunk)
            if not there:
                out.write(deflate.gzip_compress(chunk, _LEVEL))
    digest = hasher.hexdigest()
    if not there:
        # Named by what it holds: a damaged layer never gets the name that another archive would trust.
        partial.replace(target.with_name(digest))
    return f"sha256:{digest}"


class _Assembler:
    """Reads the archive's own index and makes the registry's manifest of it."""

    def __init__(self, archive: Archive, small: dict[str, bytes], work: Path) -> None:
        self._archive, self._small, self._work = archive, small, work

    def image(self) -> Image:
        expected = self._archive.metadata.image
        diff_ids = [layer.diff_id for layer in expected.layers]
        described = self._json(self._blob(self._only(self._json("index.json"), "manifests", "index.json")))
        config_digest = self._field(described, "config", "the manifest")["digest"]
        if config_digest != expected.id:
            self._fail(f"the image configuration is {config_digest}, image.id in the metadata is {expected.id}")
        config_name = self._blob({"digest": config_digest})
        config = self._json(config_name)
        found = self._field(config, "rootfs", "the configuration").get("diff_ids")
        if found != diff_ids:
            self._fail(f"the configuration's layers are {found}, image.layers in the metadata are {diff_ids}")
        if config.get("architecture") != self._archive.metadata.architecture:
            self._fail(f"the image is for {config.get('architecture')}, not {self._archive.metadata.architecture}")
        return self._assemble(self._small[config_name], diff_ids)

    def _assemble(self, config: bytes, diff_ids: list[str]) -> Image:
        body = Content.of(config)
        blobs = {f"sha256:{body.sha256}": body}
        layers = []
        for diff_id in diff_ids:
            path = self._work / diff_id.removeprefix("sha256:")
            if not path.exists():
                self._fail(f"layer {diff_id} is not inside")
            with path.open("rb") as source:
                layer = Content(path, path.stat().st_size, hashlib.file_digest(source, "sha256").hexdigest())
            blobs[f"sha256:{layer.sha256}"] = layer
            layers.append({"mediaType": LAYER_TYPE, "digest": f"sha256:{layer.sha256}", "size": layer.size})
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": CONFIG_TYPE, "digest": f"sha256:{body.sha256}", "size": body.size},
            "layers": layers,
        }
        return Image(Content.of(json.dumps(manifest, separators=(",", ":"), sort_keys=True).encode()), blobs)

    def _json(self, name: str) -> dict[str, Any]:
        if name not in self._small:
            self._fail(f"{name} is not inside")
        try:
            value = json.loads(self._small[name])
        except ValueError as error:
            raise ArchiveCorrupt(f"{self._archive.path}: {name} is no JSON: {error}. Build it again.") from error
        if not isinstance(value, dict):
            self._fail(f"{name} is no JSON object")
        return value

    def _blob(self, descriptor: dict[str, Any]) -> str:
        return f"blobs/sha256/{str(descriptor.get('digest')).removeprefix('sha256:')}"

    def _only(self, document: dict[str, Any], field: str, name: str) -> dict[str, Any]:
        values = document.get(field)
        if not isinstance(values, list) or len(values) != 1 or not isinstance(values[0], dict):
            self._fail(f"{field} of {name} is {values!r}: must hold one image")
        return values[0]

    def _field(self, document: dict[str, Any], field: str, name: str) -> dict[str, Any]:
        value = document.get(field)
        if not isinstance(value, dict):
            self._fail(f"{field} of {name} is {value!r}: must be an object")
        return value

    def _fail(self, problem: str) -> None:
        raise ArchiveCorrupt(f"{self._archive.path}: {problem}. Build it again: ./pants package tiers/<tier>:archive")
