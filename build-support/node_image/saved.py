"""Reads what `docker save` wrote, whichever engine and store it came from.

Engines before 25 write `manifest.json` and one folder a layer; later ones an OCI layout with `manifest.json` beside
it; BuildKit's `oci` output only the layout. Layers may be gzip-compressed.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canonical import Entry, read_tar
from node_image.errors import SavedImageError

_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_ATTESTATION = "vnd.docker.reference.type"


@dataclass(frozen=True)
class _Pointers:
    """Where the parts of one image are inside the tar."""

    config: str
    layers: tuple[str, ...]


@contextmanager
def open_saved(source: Path, architecture: str) -> Iterator[SavedImage]:
    """Open what an engine saved and find the image for `architecture` in it. Raises `SavedImageError`."""
    try:
        tar = tarfile.open(source)  # noqa: SIM115 - closed below; only opening may fail with these errors
    except (OSError, tarfile.TarError) as error:
        raise SavedImageError(f"{source}: is not the output of docker save ({error})") from error
    with tar:
        yield SavedImage(source, tar, architecture)


class SavedImage:
    """One image in an open tar; `config` is the engine's own. Every method raises `SavedImageError`."""

    def __init__(self, source: Path, tar: tarfile.TarFile, architecture: str) -> None:
        self._source, self._tar = source, tar
        self._pointers, self.config = self._choose(architecture)

    def layers(self) -> Iterator[list[Entry]]:
        """The entries of each layer, lowest first, checked against the configuration's digests."""
        diff_ids = self.config["rootfs"]["diff_ids"]
        if len(diff_ids) != len(self._pointers.layers):
            raise SavedImageError(f"{self._source}: {len(self._pointers.layers)} layers for {len(diff_ids)} digests")
        for path, diff_id in zip(self._pointers.layers, diff_ids, strict=True):
            data = self._plain(path)
            if f"sha256:{hashlib.sha256(data).hexdigest()}" != diff_id:
                raise SavedImageError(f"{self._source}: layer {path} is not {diff_id}; save the image again")
            yield list(read_tar(io.BytesIO(data)))

    def _choose(self, architecture: str) -> tuple[_Pointers, dict[str, Any]]:
        found = set(self._from_docker() if self._has("manifest.json") else self._from_layout())
        images = [(pointers, self._json(pointers.config)) for pointers in found]
        matching = [image for image in images if image[1].get("architecture") == architecture]
        if len(matching) != 1:
            there = ", ".join(sorted(str(config.get("architecture")) for _, config in images)) or "none"
            raise SavedImageError(
                f"{self._source}: holds {len(matching)} images for {architecture} (found: {there}); save exactly one"
            )
        return matching[0]

    def _from_docker(self) -> Iterator[_Pointers]:
        for image in self._json("manifest.json"):
            yield _Pointers(image["Config"], tuple(image["Layers"]))

    def _from_layout(self) -> Iterator[_Pointers]:
        if not self._has("index.json"):
            raise SavedImageError(
                f"{self._source}: has neither manifest.json nor index.json; is it docker save's output?"
            )
        waiting = list(self._json("index.json")["manifests"])
        while waiting:
            descriptor = waiting.pop()
            document = self._json(_blob(descriptor["digest"]))
            if descriptor["mediaType"] in _INDEX_TYPES:
                waiting.extend(document["manifests"])
            elif _ATTESTATION not in descriptor.get("annotations", {}):
                layers = tuple(_blob(layer["digest"]) for layer in document["layers"])
                yield _Pointers(_blob(document["config"]["digest"]), layers)

    def _plain(self, path: str) -> bytes:
        data = self._read(path)
        if data.startswith(_ZSTD_MAGIC):
            raise SavedImageError(
                f"{self._source}: layer {path} is zstd-compressed; build with compression=gzip or none"
            )
        return gzip.decompress(data) if data.startswith(_GZIP_MAGIC) else data

    def _json(self, path: str) -> Any:
        try:
            return json.loads(self._read(path))
        except ValueError as error:
            raise SavedImageError(f"{self._source}: {path} is not JSON ({error})") from error

    def _read(self, path: str) -> bytes:
        try:
            handle = self._tar.extractfile(path)
        except KeyError as error:
            raise SavedImageError(f"{self._source}: {path} is missing in it; save the image again") from error
        if handle is None:
            raise SavedImageError(f"{self._source}: {path} is no file; save the image again")
        return handle.read()

    def _has(self, path: str) -> bool:
        return path in self._tar.getnames()


def _blob(digest: str) -> str:
    return digest.replace("sha256:", "blobs/sha256/")
