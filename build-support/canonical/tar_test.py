from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical import CanonicalTarError, Entry, read_tar, tree_entries, with_parents, write_tar

_NAME = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=60).filter(
    lambda name: name not in (".", "..")
)
_PATH = st.lists(_NAME, min_size=1, max_size=4).map("/".join)
_ENTRY = st.one_of(
    st.builds(
        Entry,
        path=_PATH,
        kind=st.just("file"),
        mode=st.integers(0, 0o7777),
        uid=st.integers(0, 2**31),
        gid=st.integers(0, 2**31),
        content=st.binary(max_size=200),
    ),
    st.builds(Entry, path=_PATH, kind=st.just("dir"), mode=st.integers(0, 0o7777)),
    st.builds(Entry, path=_PATH, kind=st.just("symlink"), mode=st.just(0o777), target=_PATH),
)
_ENTRIES = st.lists(_ENTRY, max_size=12, unique_by=lambda entry: entry.path)


def _bytes(entries: list[Entry], mtime: int = 0) -> bytes:
    out = io.BytesIO()
    write_tar(entries, out, mtime=mtime)
    return out.getvalue()


@given(_ENTRIES)
def test_what_is_written_is_read_back(entries: list[Entry]) -> None:
    assert list(read_tar(io.BytesIO(_bytes(entries)))) == sorted(entries, key=lambda entry: entry.path)


@given(_ENTRIES, st.randoms(use_true_random=False))
def test_order_does_not_matter(entries: list[Entry], random: Random) -> None:
    shuffled = list(entries)
    random.shuffle(shuffled)
    assert _bytes(shuffled) == _bytes(entries)


@given(_ENTRIES)
def test_rewriting_changes_nothing(entries: list[Entry]) -> None:
    once = _bytes(entries)
    assert _bytes(list(read_tar(io.BytesIO(once)))) == once


def test_same_bytes_from_two_folders_with_other_umask_times_and_order(tmp_path: Path) -> None:
    def make(root: Path, names: list[str], umask: int, time: int) -> bytes:
        before = os.umask(umask)
        try:
            for name in names:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(name)
                os.utime(root / name, (time, time))
        finally:
            os.umask(before)
        return _bytes(list(tree_entries(root, "opt/app")))

    names = ["b/one.txt", "a/two.txt", "three.txt"]
    first = make(tmp_path / "first", names, 0o022, 1_000_000)
    second = make(tmp_path / "second", names[::-1], 0o077, 2_000_000)
    assert first == second


@pytest.mark.parametrize(
    ("content", "mode"), [(b"#!/usr/bin/python3\n", 0o755), (b"\x7fELF\x02", 0o755), (b"data", 0o644), (b"", 0o644)]
)
@pytest.mark.parametrize("mode_on_disk", [0o600, 0o555, 0o777])
def test_a_mode_follows_from_the_content_alone(tmp_path: Path, content: bytes, mode: int, mode_on_disk: int) -> None:
    (tmp_path / "file").write_bytes(content)
    (tmp_path / "file").chmod(mode_on_disk)
    assert [entry.mode for entry in tree_entries(tmp_path)] == [mode]


def test_a_path_that_is_there_twice_is_refused() -> None:
    with pytest.raises(CanonicalTarError, match="a/b: is there twice"):
        _bytes([Entry("a/b", "file", 0o644), Entry("a/b", "dir", 0o755)])


@pytest.mark.parametrize("path", ["/etc/passwd", "a/../b", "./a", "a//b", "a/"])
def test_a_path_that_leaves_the_root_is_refused(path: str) -> None:
    with pytest.raises(CanonicalTarError, match="must be a relative path"):
        _bytes([Entry(path, "file", 0o644)])


@pytest.mark.parametrize("kind", [tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_devices_and_pipes_are_refused(kind: bytes) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("dev/thing")
        info.type, info.linkname = kind, "other"
        archive.addfile(info)
    with pytest.raises(CanonicalTarError, match="dev/thing: is neither file"):
        list(read_tar(io.BytesIO(out.getvalue())))


def test_an_extended_attribute_does_not_vanish_in_silence() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("usr/bin/ping")
        info.pax_headers = {"SCHILY.xattr.security.capability": "x"}
        archive.addfile(info)
    with pytest.raises(CanonicalTarError, match="usr/bin/ping: carries the extended attribute security.capability"):
        list(read_tar(io.BytesIO(out.getvalue())))


def test_every_parent_gets_an_entry_and_keeps_its_own() -> None:
    found = {
        entry.path: entry.mode for entry in with_parents([Entry("a/b/c", "file", 0o644), Entry("a", "dir", 0o700)])
    }
    assert found == {"a": 0o700, "a/b": 0o755, "a/b/c": 0o644}
