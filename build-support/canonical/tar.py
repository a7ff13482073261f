"""Tar files whose bytes depend on nothing but their content.

Sorted by path, one time for all entries, numeric owners, no names of users, PAX headers only where a long path needs
one (POSIX.1-2001, which every container engine reads). Three kinds of entry exist: file, directory, symbolic link.
A device, a socket or a hard link has no place in a NodeOS layer and is refused.
"""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from canonical.errors import CanonicalTarError

Kind = Literal["file", "dir", "symlink"]

_PROGRAMS = (b"\x7fELF", b"#!")
_TYPES: dict[Kind, bytes] = {"file": tarfile.REGTYPE, "dir": tarfile.DIRTYPE, "symlink": tarfile.SYMTYPE}


@dataclass(frozen=True)
class Entry:
    """One path of a layer: `path` is relative and without a trailing slash; `content` is for files only."""

    path: str
    kind: Kind
    mode: int
    uid: int = 0
    gid: int = 0
    target: str = ""
    content: bytes | Path = b""

    def read(self) -> bytes:
        """The bytes of a file."""
        return self.content.read_bytes() if isinstance(self.content, Path) else self.content


def write_tar(entries: Iterable[Entry], out: BinaryIO, *, mtime: int = 0) -> None:
    """Write `entries` canonically, all with the time `mtime` (seconds since the epoch)."""
    ordered = sorted(entries, key=lambda entry: entry.path)
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        previous = None
        for entry in ordered:
            if entry.path == previous:
                raise CanonicalTarError(f"{entry.path}: is there twice; a path has one owner")
            previous = entry.path
            _check_path(entry.path)
            info = tarfile.TarInfo(entry.path)
            info.type, info.mode, info.mtime = _TYPES[entry.kind], entry.mode, mtime
            info.uid, info.gid, info.linkname = entry.uid, entry.gid, entry.target
            data = entry.read() if entry.kind == "file" else b""
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def read_tar(source: BinaryIO) -> Iterator[Entry]:
    """The entries of any tar, with file contents in memory; the root directory itself is left out."""
    with tarfile.open(fileobj=source, mode="r:*") as archive:
        for info in archive:
            path = info.name.removeprefix("./").strip("/")
            if path in ("", "."):
                continue
            _check_headers(path, info)
            if info.isreg():
                handle = archive.extractfile(info)
                content = handle.read() if handle else b""
                yield Entry(path, "file", stat.S_IMODE(info.mode), info.uid, info.gid, content=content)
            elif info.isdir():
                yield Entry(path, "dir", stat.S_IMODE(info.mode), info.uid, info.gid)
            elif info.issym():
                yield Entry(path, "symlink", 0o777, info.uid, info.gid, target=info.linkname)
            else:
                raise CanonicalTarError(f"{path}: is neither file, directory nor symbolic link (type {info.type!r})")


def tree_entries(root: Path, prefix: str = "") -> Iterator[Entry]:
    """The entries of a directory on disk below `prefix`, owned by root, modes reduced to 0755 and 0644.

    No mode on disk is believed: those of a checkout depend on the umask of whoever made it, and Pants marks every file
    above 512 KiB as executable when it hard-links it into a sandbox. What is a program shows in its first bytes.
    """
    for folder, folders, files in os.walk(root):
        for name in [*folders, *files]:
            found = Path(folder, name)
            path = "/".join([*prefix.strip("/").split("/"), *found.relative_to(root).parts]).lstrip("/")
            if found.is_symlink():
                yield Entry(path, "symlink", 0o777, target=os.readlink(found))
            elif found.is_dir():
                yield Entry(path, "dir", 0o755)
            elif found.is_file():
                yield Entry(path, "file", 0o755 if _is_program(found) else 0o644, content=found)
            else:
                raise CanonicalTarError(f"{found}: is neither file, directory nor symbolic link")


def with_parents(entries: Iterable[Entry]) -> list[Entry]:
    """`entries` and a root-owned 0755 directory for every parent that has no entry of its own."""
    found = {entry.path: entry for entry in entries}
    for path in list(found):
        parts = path.split("/")
        for depth in range(1, len(parts)):
            parent = "/".join(parts[:depth])
            found.setdefault(parent, Entry(parent, "dir", 0o755))
    return list(found.values())


def _is_program(path: Path) -> bool:
    with path.open("rb") as handle:
        return handle.read(4).startswith(_PROGRAMS)


def _check_path(path: str) -> None:
    parts = path.split("/")
    if path.startswith("/") or any(part in ("", ".", "..") for part in parts):
        raise CanonicalTarError(f"{path!r}: must be a relative path without '.', '..' or empty parts")


def _check_headers(path: str, info: tarfile.TarInfo) -> None:
    """An attribute that the canonical form cannot say must not vanish without a word."""
    for name in sorted(info.pax_headers):
        if name.startswith("SCHILY.xattr."):
            raise CanonicalTarError(f"{path}: carries the extended attribute {name.removeprefix('SCHILY.xattr.')}")
