from __future__ import annotations

from pathlib import Path

import pytest

from base_image.conftest import Deb
from base_image.errors import PackageContentError
from base_image.unpack import UnpackedPackage, unpack
from canonical import Entry


def _unpack(tmp_path: Path, deb: Deb, content: bytes | None = None) -> UnpackedPackage:
    source = tmp_path / "one.deb"
    source.write_bytes(deb.content if content is None else content)
    return unpack(source, deb.locked)


def test_files_links_and_control_are_read(tmp_path: Path) -> None:
    deb = Deb("libbz2", {"usr/lib/libbz2.so.1": b"code", "usr/lib/libbz2.so": "->libbz2.so.1"})
    package = _unpack(tmp_path, deb)
    assert package.control == deb.control
    assert package.entries == (
        Entry("usr/lib/libbz2.so.1", "file", 0o755, content=b"code"),
        Entry("usr/lib/libbz2.so", "symlink", 0o777, target="libbz2.so.1"),
    )


def test_a_hard_link_becomes_a_file(tmp_path: Path) -> None:
    package = _unpack(tmp_path, Deb("tzdata", {"usr/a": b"zone", "usr/b": "=usr/a"}))
    assert [(entry.path, entry.kind, entry.read()) for entry in package.entries] == [
        ("usr/a", "file", b"zone"),
        ("usr/b", "file", b"zone"),
    ]


def test_old_top_level_folders_are_below_usr(tmp_path: Path) -> None:
    package = _unpack(tmp_path, Deb("libc6", {"lib/libc.so.6": b"code", "etc/x": b""}))
    assert [entry.path for entry in package.entries] == ["usr/lib/libc.so.6", "etc/x"]


@pytest.mark.parametrize("content", [b"", b"no archive", Deb("x", {"usr/a": b"a" * 5000}).content[:-400]])
def test_a_broken_package_is_named(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(PackageContentError, match=r"package libc6 1\.0-1 .* cannot be unpacked"):
        _unpack(tmp_path, Deb("libc6", {}), content)
