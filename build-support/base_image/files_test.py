from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from base_image.errors import DiskFull
from base_image.files import whole_file, write_tree
from canonical import Entry


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    with pytest.raises(TypeError), whole_file(path) as out:
        out.writelines([b"half", None])  # type: ignore[list-item]
    assert list(path.parent.iterdir()) == []
    with whole_file(path) as out:
        out.write(b"all")
    assert path.read_bytes() == b"all"
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said(tmp_path: Path, reason: int) -> None:
    with pytest.raises(DiskFull, match=r"rootfs\.tar: no space left there"), whole_file(tmp_path / "rootfs.tar"):
        raise OSError(reason, os.strerror(reason))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_said_where_the_system_says_it() -> None:
    with pytest.raises(DiskFull):
        write_tree([Entry("full", "file", 0o644, content=b"x" * 100_000)], Path("/dev"))


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    entries = [Entry("link", "symlink", 0o777, target=str(outside)), Entry("link/file", "file", 0o644, content=b"x")]
    with pytest.raises(OSError, match="exists"):
        write_tree(entries, tmp_path / "tree")
    assert list(outside.iterdir()) == []
