"""A connection as the store wants it, its transactions, and SQLite's errors as those of this package."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from noderr.utils.errors import StoreBusyError, StoreCorruptError, StoreError, StoreFullError
from noderr.utils.files import create_file

_WAL_LIMIT_BYTES = 4 * 1024 * 1024
"""What the write-ahead log keeps of the disk after a large transaction."""


def connect(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """Open `path`, made with mode 0600 if absent. Call it, and all that uses the connection, inside `translated`."""
    try:
        with contextlib.suppress(FileExistsError):
            create_file(path, b"")
    except OSError as error:
        raise StoreError(f"{path} cannot be made: {error.strerror}: see to its directory") from error
    # `autocommit` leaves transactions to us: the module's own begin and commit behind the caller's back.
    connection = sqlite3.connect(path, timeout=busy_seconds, autocommit=True, check_same_thread=False)
    try:
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise StoreError(f"{path} is on a file system that cannot hold SQLite's write-ahead log: use a local disk")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")  # Nothing is written outside the data directory.
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT_BYTES}")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit at the end of the block, roll back when it raises."""
    # IMMEDIATE: a transaction that reads first and writes later can otherwise fail in its middle, busy at once.
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        if not connection.in_transaction:
            raise StoreError(
                "the work is no longer in its transaction: either it went on after an error that made SQLite roll "
                "back, or it ran COMMIT or ROLLBACK, which it must leave to the store"
            )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise what the disk and the file did as a `StoreError`. Errors of SQL and of constraints are the caller's own."""
    try:
        yield
    except sqlite3.Error as error:
        code: int | None = getattr(error, "sqlite_errorcode", None)  # Absent when the module itself complains.
        ours = None if code is None else _typed(code, path, str(error))
        if ours is None:
            raise
        raise ours from error


def _typed(code: int, path: Path, text: str) -> StoreError | None:
    if code == sqlite3.SQLITE_IOERR_SHMSIZE:
        code = sqlite3.SQLITE_FULL
    match code & 0xFF:  # The primary code; the rest says in which call.
        case sqlite3.SQLITE_FULL:
            return StoreFullError(f"{path}: {text}: make room; nothing of this transaction was kept")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return StoreCorruptError(f"{path}: {text}: stop the node and restore the file, and its -wal, from a backup")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreBusyError(f"{path}: {text}: another process holds it; is a second node running on this data?")
        case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return StoreError(f"{path}: {text}: see to the disk, and to owner and mode of the file and its directory")
    return None
