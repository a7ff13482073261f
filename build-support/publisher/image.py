"""The image inside an archive, as a registry serves it: layers gzip-compressed, a manifest over them."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn

import deflate
import msgspec

from publisher.archive import Archive
from publisher.errors import ArchiveCorrupt, DiskFull
from publisher.oci import CONFIG_TYPE, LAYER_TYPE, Config, Descriptor, Index, Manifest, encode
from publisher.store import CHUNK_BYTES, DISK_FULL, Content

_LEVEL = 9
"""libdeflate's level: 12 makes 60 MB of Python packages 1.8 % smaller than 9, in four times the time."""
_MEMBER_BYTES = 64 << 20
"""A layer above this is several gzip members, which every reader of gzip joins. It bounds our memory."""
_SMALL_BYTES = 4 << 20
"""No configuration and no manifest is larger; what is, and is no layer, has no place in an archive."""


@dataclass(frozen=True)
class Image:
    """One architecture's image: `manifest` names by digest everything in `blobs` (digest: content)."""

    manifest: Content
    blobs: dict[str, Content]


def read_image(archive: Archive, work: Path, progress: Callable[[int], None]) -> Image:
    """Open an archive, check every digest in it, and write its compressed layers to `work`.

    A layer that is in `work` already is not compressed again: tiers share layers. `progress` is told how many bytes of
    the tar are read. Raises `ArchiveCorrupt`, and `DiskFull` when `work` is.
    """
    reader = _Reader(archive, work)
    try:
        with gzip.open(archive.path, "rb") as unzipped:
            source = _Hashed(unzipped, progress)
            with tarfile.open(fileobj=source, mode="r|", bufsize=CHUNK_BYTES) as tar:
                for member in tar:
                    reader.take(member, tar.extractfile(member))
            source.drain()
    except (gzip.BadGzipFile, EOFError, zlib.error, tarfile.TarError) as error:
        reader.fail(f"is no gzip of a tar: {error}")
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise DiskFull(f"No room in {work} for the layers of {archive.path}: free some, or set TMPDIR.") from error
    facts = archive.metadata.archive
    if (source.sha256, source.size) != (facts.tar_sha256, facts.tar_size):
        reader.fail(
            f"the tar inside has sha256 {source.sha256} and {source.size} bytes, its metadata says "
            f"{facts.tar_sha256} and {facts.tar_size}"
        )
    return reader.image()


class _Hashed(io.RawIOBase):
    """Reads a stream, hashing what passes."""

    def __init__(self, source: gzip.GzipFile, progress: Callable[[int], None]) -> None:
        super().__init__()
        self._source, self._progress = source, progress
        self._hasher = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1, /) -> bytes:
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


class _Reader:
    """Collects the files of an archive, then makes the registry's manifest of them."""

    def __init__(self, archive: Archive, work: Path) -> None:
        self._archive, self._work = archive, work
        self._diff_ids = [layer.diff_id for layer in archive.metadata.image.layers]
        self._small: dict[str, bytes] = {}
        self._found: set[str] = set()

    def take(self, member: tarfile.TarInfo, body: IO[bytes] | None) -> None:
        """Keep one file: a layer compressed on disk, anything else in memory."""
        if body is None:
            return
        digest = f"sha256:{member.name.removeprefix('blobs/sha256/')}"
        if digest in self._diff_ids:
            self._check(member.name, digest, _compress(body, self._layer(digest)))
            self._found.add(digest)
        elif member.size > _SMALL_BYTES:
            self.fail(f"{member.name} has {member.size} bytes and is none of the layers in the metadata")
        else:
            data = body.read()
            if member.name.startswith("blobs/"):
                self._check(member.name, digest, hashlib.sha256(data).hexdigest())
            self._small[member.name] = data

    def image(self) -> Image:
        """The image, once every file was taken."""
        metadata = self._archive.metadata
        index = self._parse("index.json", Index)
        # One entry a tag, all of the same image.
        digests = {entry.digest for entry in index.manifests}
        if len(digests) != 1:
            self.fail(f"index.json names {len(digests)} images: an archive holds one")
        described = self._parse(_blob_name(digests.pop()), Manifest)
        config = self._parse(_blob_name(described.config.digest), Config)
        if described.config.digest != metadata.image.id:
            self.fail(f"the configuration is {described.config.digest}, image.id in the metadata {metadata.image.id}")
        if config.architecture != metadata.architecture:
            self.fail(
                f"the image is for {config.architecture}, architecture in the metadata is {metadata.architecture}"
            )
        for source, found in (
            ("configuration", config.rootfs.diff_ids),
            ("manifest", [x.digest for x in described.layers]),
        ):
            if found != self._diff_ids:
                self.fail(f"layers in the {source} are {found}, image.layers in the metadata {self._diff_ids}")
        if missing := sorted(set(self._diff_ids) - self._found):
            self.fail(f"layers {missing} are not inside")
        return self._assemble(self._small[_blob_name(described.config.digest)])

    def fail(self, problem: str) -> NoReturn:
        """Refuse the archive."""
        raise ArchiveCorrupt(f"{self._archive.path}: {problem}. Build it again: ./pants package tiers/<tier>:archive")

    def _assemble(self, config: bytes) -> Image:
        body = Content.of(config)
        blobs = {f"sha256:{body.sha256}": body}
        layers = []
        for diff_id in self._diff_ids:
            path = self._layer(diff_id)
            with path.open("rb") as source:
                layer = Content(path, path.stat().st_size, hashlib.file_digest(source, "sha256").hexdigest())
            blobs[f"sha256:{layer.sha256}"] = layer
            layers.append(Descriptor(LAYER_TYPE, f"sha256:{layer.sha256}", layer.size))
        return Image(encode(Manifest(Descriptor(CONFIG_TYPE, f"sha256:{body.sha256}", body.size), layers)), blobs)

    def _parse[T](self, name: str, kind: type[T]) -> T:
        if name not in self._small:
            self.fail(f"{name} is not inside")
        try:
            return msgspec.json.decode(self._small[name], type=kind)
        except msgspec.MsgspecError as error:
            self.fail(f"{name}: {error}")

    def _check(self, name: str, digest: str, sha256: str) -> None:
        if digest != f"sha256:{sha256}":
            self.fail(f"the bytes of {name} have the sha256 {sha256}")

    def _layer(self, diff_id: str) -> Path:
        return self._work / f"{diff_id.removeprefix('sha256:')}.gz"


def _blob_name(digest: str) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def _compress(body: IO[bytes], target: Path) -> str:
    """Compress a layer to `target` unless it is there, and return the sha256 of the uncompressed bytes."""
    hasher = hashlib.sha256()
    partial = target.with_suffix(".partial")
    known = target.exists()
    with partial.open("wb") as out:
        while chunk := body.read(_MEMBER_BYTES):
            hasher.update(chunk)
            if not known:
                out.write(deflate.gzip_compress(chunk, _LEVEL))
    if not known and hasher.hexdigest() == target.stem:
        partial.replace(target)
    return hasher.hexdigest()
