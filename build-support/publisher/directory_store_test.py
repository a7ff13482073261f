from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import resource
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from publisher.directory_store import WORK, DirectoryStore
from publisher.errors import DiskFull, PreconditionFailed, PublisherError, StoreRefused
from publisher.store import Content, Headers, no_progress

HEADERS = Headers("text/plain", "no-cache")


def _put(store: DirectoryStore, key: str, data: bytes) -> None:
    store.put_new(key, Content.of(data), HEADERS, no_progress)


def _left(root: Path) -> list[Path]:
    return list((root / WORK).glob("object-*"))


def test_new_object_is_readable_and_nothing_is_left(directory: Path) -> None:
    store = DirectoryStore(directory)
    _put(store, "a/b", b"bytes")
    seen, small = store.digest("a/b", no_progress), store.read("a/b")
    assert seen is not None
    assert small is not None
    assert (seen.sha256, small.data, small.etag) == (hashlib.sha256(b"bytes").hexdigest(), b"bytes", seen.etag)
    assert (directory / "a/b").stat().st_mode & 0o777 == 0o644
    assert not _left(directory)


def test_bytes_and_names_survive_a_power_cut(directory: Path) -> None:
    """Bytes are synced while they have no name yet, the folder once it knows the name."""
    synced: list[tuple[str, bool]] = []

    def sync(descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        what = "bytes" if path.name.startswith("object-") else str(path.relative_to(directory.parent))
        synced.append((what, (directory / "a/b").exists()))

    store = DirectoryStore(directory, sync=sync)
    _put(store, "a/b", b"bytes")
    assert synced == [
        (".", False),  # knows release
        ("release", False),  # knows .publishing
        ("bytes", False),
        ("release", False),  # knows a
        ("release/a", True),  # knows b
    ]
    synced.clear()
    store.put_if_match("a/b", Content.of(b"new"), HEADERS, hashlib.sha256(b"bytes").hexdigest())
    store.copy("a/b", "a/c", HEADERS, "")
    assert [what for what, _ in synced] == ["bytes", "release/a"] * 2


def test_versioned_object_is_never_replaced(directory: Path) -> None:
    store = DirectoryStore(directory)
    _put(store, "a", b"first")
    with pytest.raises(PreconditionFailed):
        _put(store, "a", b"second")
    assert (directory / "a").read_bytes() == b"first"
    assert not _left(directory)


def test_of_many_writers_one_wins(directory: Path) -> None:
    store = DirectoryStore(directory)
    won: list[bytes] = []
    gate = threading.Barrier(8)

    def write(data: bytes) -> None:
        gate.wait()
        try:
            _put(DirectoryStore(directory), "a", data)
            won.append(data)
        except PreconditionFailed:
            pass

    threads = [threading.Thread(target=write, args=(bytes([number]) * 1000,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = store.read("a")
    assert found is not None
    assert won == [found.data]


def test_compare_and_swap_loses_no_update(directory: Path) -> None:
    def count() -> None:
        store = DirectoryStore(directory)
        done = 0
        while done < 10:
            found = store.read("counter")
            number = int(found.data) + 1 if found else 1
            try:
                etag = found.etag if found else None
                store.put_if_match("counter", Content.of(str(number).encode()), HEADERS, etag)
                done += 1
            except PreconditionFailed:
                continue

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (directory / "counter").read_bytes() == b"40"


def test_copy_replaces_and_shares_no_bytes_with_its_source(directory: Path) -> None:
    store = DirectoryStore(directory)
    _put(store, "version", b"bytes")
    _put(store, "latest", b"old")
    store.copy("version", "latest", HEADERS, "")
    assert (directory / "latest").read_bytes() == b"bytes"
    assert (directory / "latest").stat().st_ino != (directory / "version").stat().st_ino


def test_file_of_a_dead_publisher_is_swept_and_of_a_living_one_is_not(directory: Path) -> None:
    work = directory / WORK
    work.mkdir(parents=True)
    (work / "object-dead").write_bytes(b"half")
    with (work / "object-living").open("wb") as living:
        fcntl.flock(living, fcntl.LOCK_EX)
        _put(DirectoryStore(directory), "a", b"bytes")
        assert [path.name for path in _left(directory)] == ["object-living"]


@pytest.mark.parametrize("key", ["../outside", "/etc/passwd", "a//b", "a/./b", f"{WORK}/lock", ""])
def test_key_outside_the_directory_is_refused(directory: Path, key: str) -> None:
    with pytest.raises(StoreRefused):
        _put(DirectoryStore(directory), key, b"bytes")


def test_destination_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(StoreRefused, match=r"--to DIR"):
        _put(DirectoryStore(tmp_path / "file"), "a", b"bytes")


def test_missing_hard_links_are_named(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(source: object, target: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(StoreRefused, match="hard links"):
        _put(DirectoryStore(directory), "a", b"bytes")
    assert not _left(directory)


def _check_full(directory: Path) -> None:
    """Every way to write fails with DiskFull and leaves the destination as it was."""
    store = DirectoryStore(directory)
    _put(store, "small", b"s")
    big = Content.of(os.urandom(3 << 20))
    before = sorted(path for path in directory.rglob("*"))
    found = store.read("small")
    assert found is not None
    with pytest.raises(DiskFull, match="No part of it was left"):
        store.put_new("big", big, HEADERS, no_progress)
    with pytest.raises(DiskFull):
        store.put_if_match("small", big, HEADERS, found.etag)
    assert sorted(path for path in directory.rglob("*")) == before
    assert (directory / "small").read_bytes() == b"s"


def test_full_disk_leaves_no_part(directory: Path) -> None:
    # The kernel refuses to grow the file, as it does on a full disk.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    try:
        _check_full(directory)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def tiny_disk(directory: Path) -> Iterator[Path]:
    """A real file system of 1 MiB, where the machine lets us mount one."""
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(directory)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if done.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield directory
    subprocess.run(["umount", str(directory)], check=True)


def test_really_full_disk_leaves_no_part(tiny_disk: Path) -> None:
    _check_full(tiny_disk)


def test_errors_are_the_publishers(directory: Path) -> None:
    with pytest.raises(PublisherError):
        DirectoryStore(directory).copy("nothing", "latest", HEADERS, "")
