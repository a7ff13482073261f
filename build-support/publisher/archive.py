"""An archive on disk with its two companions, checked against each other before anything is sent."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from publisher import keys
from publisher.errors import ArchiveCorrupt
from publisher.metadata import Metadata, parse_metadata
from publisher.store import Content

_CHECKSUM_LINE = re.compile(r"([0-9a-f]{64}) [ *]([^\n]+)\n?", re.ASCII)
_REMEDY = "Build it again: ./pants package tiers/<tier>:archive"


@dataclass(frozen=True)
class Archive:
    """An archive that is what its checksum file and its metadata say."""

    metadata: Metadata
    archive: Content
    checksum: Content
    metadata_file: Content

    @property
    def path(self) -> Path:
        """Where it was read from."""
        assert isinstance(self.archive.body, Path)
        return self.archive.body


def load_archive(path: Path) -> Archive:
    """Check one archive. Raises `ArchiveCorrupt` naming the file and what differs."""
    checksum = _companion(path, ".sha256")
    metadata_file = _companion(path, ".json")
    try:
        metadata = parse_metadata(metadata_file)
    except msgspec.MsgspecError as error:
        raise ArchiveCorrupt(f"{path}.json: {error}. {_REMEDY}") from error
    archive = _hashed(path)
    problems = [*_checksum_problems(path, checksum, archive), *_metadata_problems(path, metadata, archive)]
    if problems:
        raise ArchiveCorrupt(
            "\n".join([f"{path}: {len(problems)} problem(s)", *(f"  - {p}" for p in problems), _REMEDY])
        )
    return Archive(metadata, archive, Content.of(checksum), Content.of(metadata_file))


def _companion(path: Path, suffix: str) -> bytes:
    try:
        return Path(f"{path}{suffix}").read_bytes()
    except OSError as error:
        raise ArchiveCorrupt(
            f"{path}{suffix}: {error.strerror}. An archive is published with both. {_REMEDY}"
        ) from error


def _hashed(path: Path) -> Content:
    try:
        with path.open("rb") as source:
            sha256 = hashlib.file_digest(source, "sha256").hexdigest()
        return Content(path, path.stat().st_size, sha256)
    except OSError as error:
        raise ArchiveCorrupt(f"{path}: {error.strerror}. {_REMEDY}") from error


def _checksum_problems(path: Path, checksum: bytes, archive: Content) -> list[str]:
    match = _CHECKSUM_LINE.fullmatch(checksum.decode("utf-8", errors="replace"))
    if match is None:
        return [f"{path.name}.sha256 holds {checksum[:120]!r}: must be one line '<sha256>  {path.name}'"]
    problems = []
    if match[2] != path.name:
        problems.append(f"{path.name}.sha256 names {match[2]!r}: 'sha256sum -c' would not find the file")
    if match[1] != archive.sha256:
        problems.append(f"{path.name}.sha256 says {match[1]}, the bytes have {archive.sha256}")
    return problems


def _metadata_problems(path: Path, metadata: Metadata, archive: Content) -> list[str]:
    facts = metadata.archive
    name = keys.versioned(metadata.tier, metadata.version, metadata.architecture).file
    tag = f"{keys.repository(metadata.tier)}:{metadata.version}"
    problems = []
    if path.name != name:
        problems.append(f"the file is called {path.name}; tier, version and architecture in its metadata make {name}")
    if facts.file != path.name:
        problems.append(f"archive.file in the metadata is {facts.file!r}, the file is {path.name!r}")
    if facts.size != archive.size:
        problems.append(f"archive.size in the metadata is {facts.size}, the file has {archive.size} bytes")
    if facts.sha256 != archive.sha256:
        problems.append(f"archive.sha256 in the metadata is {facts.sha256}, the bytes have {archive.sha256}")
    if tag not in metadata.image.tags:
        problems.append(f"image.tags in the metadata is {metadata.image.tags}: {tag!r} is not among them")
    return problems
