"""One .deb as entries of a layer. Maintainer scripts stay behind: they are for machines that install things."""

from __future__ import annotations

import io
import lzma
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from debian.arfile import ArError
from debian.debfile import DebError, DebFile

from base_image.errors import PackageContentError
from base_image.lock_file import LockedPackage
from canonical import Entry

_USR_MERGED = ("bin/", "sbin/", "lib/", "lib64/")


@dataclass(frozen=True)
class UnpackedPackage:
    """The package's control file, and its files and symbolic links; directories follow from them."""

    locked: LockedPackage
    control: str
    entries: tuple[Entry, ...]


def unpack(source: Path, locked: LockedPackage) -> UnpackedPackage:
    """Read one .deb. Raises `PackageContentError` when it is broken or holds what no layer may."""
    try:
        with DebFile(fileobj=io.BytesIO(source.read_bytes())) as package:
            control = package.control.get_content("control", encoding="utf-8")
            entries = tuple(_entries(package.data.tgz(), locked.name))
    except (DebError, ArError, tarfile.TarError, lzma.LZMAError, EOFError) as error:
        raise PackageContentError(
            f"package {locked.name} {locked.version} ({source}) cannot be unpacked: {error or type(error).__name__}. "
            "Its sha256 is right, so the archive itself has it so: refresh the lock."
        ) from error
    return UnpackedPackage(locked, str(control), entries)


def _entries(archive: tarfile.TarFile, package: str) -> Iterator[Entry]:
    for member in archive:
        path = _path(member.name)
        if member.isdir():
            continue
        if member.issym():
            yield Entry(path, "symlink", 0o777, target=member.linkname)
        elif member.isreg() or member.islnk():
            # A hard link becomes a file of its own: one path, one content. No program of the base changes its user.
            handle = archive.extractfile(member)
            content = handle.read() if handle else b""
            yield Entry(path, "file", 0o755 if member.mode & 0o100 else 0o644, content=content)
        else:
            raise PackageContentError(
                f"package {package}: {path} is neither file, directory nor link (tar type {member.type!r}): "
                "take the package off the list."
            )


def _path(name: str) -> str:
    path = name.removeprefix("./").strip("/")
    return f"usr/{path}" if path.startswith(_USR_MERGED) else path
