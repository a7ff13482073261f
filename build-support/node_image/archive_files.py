"""Writes an archive and the two files beside it: all three, or none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from canonical import Compressed, compress, compressor_name, json_text, write_tar
from node_image.errors import ArchiveWriteError
from node_image.facts import ImageFacts
from node_image.image_tar import ImageTar


class Opener(Protocol):
    """Opens a file for writing and reading; the tests pass one whose disk is full."""

    def __call__(self, path: Path) -> BinaryIO: ...


@dataclass(frozen=True)
class Written:
    """The archive and what the metadata says of it."""

    archive: Path
    metadata: Mapping[str, Any]


def archive_name(name: str, version: str, architecture: str) -> str:
    """The seed's file name; amd64 is not named in it."""
    suffix = "" if architecture == "amd64" else f"-{architecture}"
    return f"{name}-{version}{suffix}.tar.gz"


def create_file(path: Path) -> BinaryIO:
    """A new, empty file to write and to read back."""
    return path.open("w+b")


def write_archive(
    image: ImageTar, facts: ImageFacts, tools: Mapping[str, str], out: Path, *, open_file: Opener = create_file
) -> Written:
    """Write `<name>.tar.gz`, `<name>.tar.gz.sha256` and `<name>.tar.gz.json` into `out`.

    `tools` are the versions of the build's tools, for the metadata. Raises `ArchiveWriteError`; then nothing is left.
    """
    name = archive_name(facts.manifest.name, image.release.version, facts.architecture)
    target = out / name
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=out) as folder:
            plain, packed = Path(folder, "tar"), Path(folder, name)
            with open_file(plain) as tar, open_file(packed) as gzip:
                write_tar(image.entries, tar, mtime=image.release.created_seconds)
                tar.seek(0)
                done = compress(tar, gzip, threads=os.cpu_count() or 1)
            document = metadata_of(image, facts, tools, name, done)
            texts = {".json": json_text(document), ".sha256": f"{done.gzip_sha256}  {name}\n"}
            for suffix, text in texts.items():
                with open_file(Path(folder, f"{name}{suffix}")) as handle:
                    handle.write(text.encode())
            # The archive last: who waits for it finds the other two.
            for suffix in (*texts, ""):
                Path(folder, f"{name}{suffix}").replace(f"{target}{suffix}")
    except OSError as error:
        raise ArchiveWriteError(
            f"{target}: could not be written ({error.strerror or error}); nothing of it was left behind. It needs "
            f"{_needed_bytes(image) / 1e6:.0f} MB while it is made: free space, or choose another --out"
        ) from error
    return Written(target, document)


def metadata_of(
    image: ImageTar, facts: ImageFacts, tools: Mapping[str, str], name: str, done: Compressed
) -> dict[str, Any]:
    """The metadata document; the publisher reads and checks it."""
    return {
        "schema": 1,
        facts.manifest.kind: facts.manifest.name,
        "version": image.release.version,
        "architecture": facts.architecture,
        "revision": image.release.revision,
        "created": image.release.created,
        "archive": {
            "file": name,
            "size": done.gzip_bytes,
            "sha256": done.gzip_sha256,
            "tar_sha256": done.plain_sha256,
            "tar_size": done.plain_bytes,
            "compressor": compressor_name(),
        },
        "image": {
            "id": image.image_id,
            "tags": list(image.tags),
            "layers": [{"name": layer.name, "diff_id": layer.diff_id, "size": layer.size} for layer in image.layers],
        },
        "packages": {
            "present": list(facts.first_party.present),
            "missing": list(facts.first_party.missing),
        },
        "distributions": dict(facts.distributions),
        "debian": {"lock_sha256": facts.base["lock_sha256"], "packages": facts.base["packages"]},
        "build": {**tools, "python": facts.base["python_version"]},
    }


def _needed_bytes(image: ImageTar) -> int:
    # The tar and, at worst, as much again for what it compresses to.
    return 2 * sum(layer.size for layer in image.layers)
