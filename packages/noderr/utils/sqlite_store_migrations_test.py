from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from noderr.utils import Migration, NewerVersionError, SqliteStore, StoreMigrationError

ACCOUNTS = "CREATE TABLE account (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO account VALUES (1, 'first');"
ENTRIES = "CREATE TABLE entry (account INTEGER NOT NULL REFERENCES account); INSERT INTO entry VALUES (1);"


def upper_case(connection: sqlite3.Connection) -> None:
    for number, name in connection.execute("SELECT id, name FROM account").fetchall():
        connection.execute("UPDATE account SET name = ? WHERE id = ?", (name.upper(), number))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "node.db"


def migrate(path: Path, migrations: Sequence[Migration]) -> None:
    asyncio.run(SqliteStore(path, migrations).close())


def look(path: Path) -> tuple[int, set[str], list[str]]:
    """The version, the tables, and the names of the accounts, seen by SQLite alone."""
    connection = sqlite3.connect(path)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    names = [name for (name,) in connection.execute("SELECT name FROM account")] if "account" in tables else []
    connection.close()
    return version, tables, names


def test_steps_are_taken_in_order_and_once(path: Path) -> None:
    migrate(path, [ACCOUNTS])
    assert look(path) == (1, {"account"}, ["first"])
    for _ in range(2):
        migrate(path, [ACCOUNTS, ENTRIES, upper_case])
        assert look(path) == (3, {"account", "entry"}, ["FIRST"])


def test_newer_database_is_refused_and_left_alone(path: Path) -> None:
    migrate(path, [ACCOUNTS, ENTRIES])
    before = path.read_bytes()
    with pytest.raises(
        NewerVersionError, match="has version 2 of its schema, this software knows versions up to 1"
    ) as error:
        SqliteStore(path, [ACCOUNTS])
    assert (error.value.found, error.value.supported, error.value.path) == (2, 1, path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (f"{ENTRIES} SELECT * FROM absent;", "no such table: absent"),
        (f"{ENTRIES} COMMIT; CREATE TABLE more (id)", "not authorized"),
        (f"{ENTRIES} INSERT INTO entry VALUES (42);", "row 2 of table entry points at a row of table account"),
        (lambda connection: connection.execute("DROP TABLE account").fetchall()[0], "list index out of range"),
    ],
)
def test_failed_step_leaves_the_version_before_it(path: Path, step: Migration, reason: str) -> None:
    with pytest.raises(StoreMigrationError, match=f"from version 1 to 2 failed: {reason}.*still at version 1"):
        SqliteStore(path, [ACCOUNTS, step, upper_case])
    assert look(path) == (1, {"account"}, ["first"])
    migrate(path, [ACCOUNTS, ENTRIES])
    assert look(path) == (2, {"account", "entry"}, ["first"])


async def test_table_that_others_point_at_can_be_rebuilt(path: Path) -> None:
    rebuild = (
        "CREATE TABLE new (id INTEGER PRIMARY KEY, name TEXT NOT NULL); INSERT INTO new SELECT * FROM account;"
        "DROP TABLE account; ALTER TABLE new RENAME TO account;"
    )
    store = SqliteStore(path, [ACCOUNTS, ENTRIES, rebuild])
    assert await store.run(lambda connection: connection.execute("PRAGMA foreign_keys").fetchone()) == (1,)
    assert await store.run(lambda connection: connection.execute("SELECT * FROM entry").fetchall()) == [(1,)]
    await store.close()


CHILD = """
import sys
from pathlib import Path
from noderr.utils import SqliteStore

def step(connection):
    connection.execute("CREATE TABLE entry (account)")
    connection.executemany("INSERT INTO entry VALUES (?)", ((number,) for number in range(300_000)))
    print("midway", flush=True)
    sys.stdin.read()

SqliteStore(Path(sys.argv[1]), (sys.argv[2], step))
"""


def test_migration_killed_midway_leaves_the_version_before_it(path: Path) -> None:
    migrate(path, [ACCOUNTS])
    environ = {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", CHILD, str(path), ACCOUNTS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "midway\n"
        # Its half of the step has reached the disk, in the log, without a commit.
        assert path.with_name("node.db-wal").stat().st_size > 500_000
        child.kill()
    assert look(path) == (1, {"account"}, ["first"])
    migrate(path, [ACCOUNTS, ENTRIES])
    assert look(path) == (2, {"account", "entry"}, ["first"])
