"""Brings a database to the version that the software knows: ordered steps, each in one transaction.

The version is the number of steps taken; it is kept in the file (`PRAGMA user_version`) and changes with the step.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from noderr.utils.errors import NewerVersionError, StoreError, StoreMigrationError
from noderr.utils.sqlite_store_connection import transaction, translated

type Migration = str | Callable[[sqlite3.Connection], None]
"""A script of SQL statements, or what is called with the connection. Neither may begin or end transactions."""


def migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> None:
    """Take the steps that are still missing. Raises `NewerVersionError` or `StoreMigrationError`."""
    if _version(connection) == len(migrations):
        return
    # A step may rebuild a table that others point at. Whether all references hold is checked before each commit.
    connection.execute("PRAGMA foreign_keys = OFF")
    while _step(connection, path, migrations):
        pass
    connection.execute("PRAGMA foreign_keys = ON")


def _step(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> bool:
    """Take one step; False when there is none left. Whoever else opens the file meanwhile waits for the transaction."""
    with transaction(connection):
        version = _version(connection)
        if version > len(migrations):
            raise NewerVersionError(path, version, len(migrations))
        if version == len(migrations):
            return False
        try:
            with translated(path):
                _apply(connection, migrations[version])
        except StoreError:
            raise
        except Exception as error:  # A step may raise anything.
            raise StoreMigrationError(
                f"{path}: the step from version {version} to {version + 1} failed: {error}: the database is still at "
                f"version {version}; run the software that made it, and report this"
            ) from error
        connection.execute(f"PRAGMA user_version = {version + 1}")
    return True


def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
    connection.set_authorizer(_refuse_transaction_control)
    try:
        if isinstance(migration, str):
            connection.executescript(migration)
        else:
            migration(connection)
    finally:
        connection.set_authorizer(None)
    if (broken := connection.execute("PRAGMA foreign_key_check").fetchone()) is not None:
        table, row, parent, _ = broken
        raise ValueError(f"row {row} of table {table} points at a row of table {parent} that does not exist")


def _refuse_transaction_control(action: int, *_about: str | None) -> int:
    """A COMMIT in the middle of a step would keep half of it."""
    return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_TRANSACTION else sqlite3.SQLITE_OK


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)
