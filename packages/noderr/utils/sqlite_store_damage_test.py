"""What kills, damage and a file of another kind do to the database."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from noderr.utils import SqliteStore, StoreCorruptError

MIGRATIONS = (
    "CREATE TABLE account (id INTEGER PRIMARY KEY); CREATE TABLE entry (account INTEGER REFERENCES account);",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "node.db"


def run[T](path: Path, work: Callable[[sqlite3.Connection], T]) -> T:
    """Open the store, do the work and close it again."""

    async def session() -> T:
        store = SqliteStore(path, MIGRATIONS)
        try:
            return await store.run(work)
        finally:
            await store.close()

    return asyncio.run(session())


def fill(connection: sqlite3.Connection) -> None:
    connection.executemany("INSERT INTO account VALUES (?)", ((number,) for number in range(5000)))


def accounts(connection: sqlite3.Connection) -> int:
    (count,) = connection.execute("SELECT count(*) FROM account").fetchone()
    return int(count)


@pytest.mark.parametrize("content", [b"this is no database, and not short either" * 100, b"SQLite format 3\0" * 300])
def test_file_that_is_no_database_is_refused_and_kept(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreCorruptError, match=r"node\.db: .*restore the file, and its -wal, from a backup"):
        SqliteStore(path, MIGRATIONS)
    assert path.read_bytes() == content


def test_damaged_page_is_an_error_and_the_file_is_kept(path: Path) -> None:
    run(path, fill)
    content = bytearray(path.read_bytes())
    content[3 * 4096 :] = b"\xa5" * (len(content) - 3 * 4096)
    path.write_bytes(content)
    with pytest.raises(StoreCorruptError, match="database disk image is malformed"):
        run(path, accounts)
    assert path.read_bytes() == content


def test_database_cut_short_is_refused_and_kept(path: Path) -> None:
    run(path, fill)
    content = path.read_bytes()[:9000]
    path.write_bytes(content)
    with pytest.raises(StoreCorruptError):
        SqliteStore(path, MIGRATIONS)
    assert path.read_bytes() == content


WRITER = """
import asyncio, sys
from pathlib import Path
from noderr.utils import SqliteStore

def pair(connection):
    (number,) = connection.execute("SELECT count(*) + 1 FROM account").fetchone()
    connection.execute("INSERT INTO account VALUES (?)", (number,))
    connection.execute("INSERT INTO entry VALUES (?)", (number,))
    return number

async def main():
    store = SqliteStore(Path(sys.argv[1]), (sys.argv[2],))
    while True:
        print(await store.run(pair), flush=True)

asyncio.run(main())
"""


def test_killed_writer_leaves_whole_transactions_and_all_it_told_of(path: Path) -> None:
    def look(connection: sqlite3.Connection) -> tuple[int, int, str]:
        (entries,) = connection.execute("SELECT count(*) FROM entry JOIN account ON entry.account = id").fetchone()
        (check,) = connection.execute("PRAGMA integrity_check").fetchone()
        return accounts(connection), int(entries), str(check)

    told = 0
    for attempt in range(5):
        command = [sys.executable, "-c", WRITER, str(path), *MIGRATIONS]
        environ = {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as writer:
            assert writer.stdout is not None
            lines = [writer.stdout.readline()]
            assert int(lines[0]) == told + 1
            time.sleep(0.017 * (attempt + 1))
            writer.kill()
            lines += writer.stdout.readlines()
        told = int(lines[-1])
        found, entries, check = run(path, look)
        assert told <= found <= told + 1
        assert entries == found
        assert check == "ok"
        told = found
    assert told > 5
