"""State on a disk that is really full: a small file system in memory, where this machine lets us mount one."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from noderr.utils import SqliteStore, StateFile, StateFileError, StateRead, StoreFullError

SIZE = 512 * 1024


class Note(msgspec.Struct):
    text: str


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("only root with a `mount` can make a small file system")
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", tmp_path], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"this machine mounts no tmpfs: {done.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=True)


def fill_up(disk: Path) -> Path:
    """Take all that is free on the disk."""
    ballast = disk / "ballast"
    with pytest.raises(OSError, match="No space left"):
        write_too_much(ballast)
    return ballast


def write_too_much(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for _ in range(2 * SIZE // 4096):
            file.write(b"x" * 4096)


def test_state_file_on_a_full_disk_keeps_the_last_state(small_disk: Path) -> None:
    file = StateFile(small_disk / "note.json", Note)
    file.write(Note("zeroth"))
    file.write(Note("first"))
    ballast = fill_up(small_disk)
    with pytest.raises(StateFileError, match=r"note\.json cannot be written: No space left on device: make room"):
        file.write(Note("second" * 1000))
    found = file.read()
    assert found is not None
    assert (found.state, found.source) == (Note("first"), "current")
    assert sorted(entry.name for entry in small_disk.iterdir()) == ["ballast", "note.json", "note.json.previous"]
    (small_disk / "note.json").write_bytes(b"damaged")
    fallback = f"{small_disk / 'note.json'} is damaged: its 7 bytes do not match their checksum"
    assert file.read() == StateRead(Note("zeroth"), 1, "previous", fallback)
    ballast.unlink()
    assert file.write(Note("second")) == 2


def test_database_on_a_full_disk_keeps_what_was_committed_and_goes_on(small_disk: Path) -> None:
    def insert(connection: sqlite3.Connection, count: int) -> None:
        connection.executemany("INSERT INTO note VALUES (?)", (("x" * 500,) for _ in range(count)))

    def count(connection: sqlite3.Connection) -> int:
        (found,) = connection.execute("SELECT count(*) FROM note").fetchone()
        return int(found)

    async def scenario() -> None:
        store = SqliteStore(small_disk / "node.db", ["CREATE TABLE note (text TEXT)"])
        await store.run(lambda connection: insert(connection, 10))
        ballast = fill_up(small_disk)
        for _ in range(3):
            with pytest.raises(StoreFullError, match=r"node\.db: database or disk is full: make room"):
                await store.run(lambda connection: insert(connection, 100))
        assert await store.run(count) == 10
        ballast.unlink()
        await store.run(lambda connection: insert(connection, 100))
        assert await store.run(count) == 110
        await store.close()

    asyncio.run(scenario())


def test_new_database_on_a_full_disk_is_refused_and_opens_when_there_is_room(small_disk: Path) -> None:
    ballast = fill_up(small_disk)
    with pytest.raises(StoreFullError, match=r"node\.db"):
        SqliteStore(small_disk / "node.db", ["CREATE TABLE note (text TEXT)"])
    ballast.unlink()
    asyncio.run(SqliteStore(small_disk / "node.db", ["CREATE TABLE note (text TEXT)"]).close())
