"""The database: SQLite in the data directory, or PostgreSQL by its address, through the same code."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, TimeoutError

from noderr.coordinator.errors import DatabaseNewerError, StoreUnavailableError

FILE_NAME = "coordinator.sqlite3"
CONNECTIONS = 4
_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x6E6F6465  # Any number that nobody else locks in this database: "node".
_BUSY_SECONDS = 10
_POSTGRES = {
    "connect_timeout": 5,
    # A server that vanished without a word: nothing else ends a wait for its answer.
    "tcp_user_timeout": 15_000,
    "application_name": "noderr-coordinator",
    # Nothing is acknowledged before it is on the disk, whatever the server's own default is.
    "options": "-c statement_timeout=10000 -c synchronous_commit=on",
}


def sqlite_url(data_dir: Path) -> URL:
    """The database in the data directory."""
    return URL.create("sqlite", database=str(data_dir / FILE_NAME))


class Database:
    """A pool of a few connections, made when they are first used. Its schema is this build's before anything else.

    Methods block, and may be called from any thread.
    """

    def __init__(self, url: URL) -> None:
        self._engine = _open_engine(url)
        self._migrating = threading.Lock()
        self._migrated = False

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction, on the disk when the block ends. Raises `StoreUnavailableError` when the database fails."""
        if not self._migrated:
            try:
                self.migrate()
            except DatabaseNewerError as error:
                raise StoreUnavailableError(str(error)) from error
        with _transaction(self._engine) as connection:
            yield connection

    def migrate(self) -> None:
        """Bring the schema up to date. Raises `DatabaseNewerError` and `StoreUnavailableError`."""
        with self._migrating:
            if not self._migrated:
                _migrate(self._engine)
                self._migrated = True

    def close(self) -> None:
        self._engine.dispose()


def _open_engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        return create_engine(
            url, pool_size=CONNECTIONS, max_overflow=0, pool_timeout=5, pool_pre_ping=True, connect_args=_POSTGRES
        )
    engine = create_engine(url, pool_size=CONNECTIONS, max_overflow=0, connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


@contextlib.contextmanager
def _transaction(engine: Engine) -> Iterator[Connection]:
    try:
        with engine.begin() as connection:
            yield connection
    except (DBAPIError, TimeoutError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        reason = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
        raise StoreUnavailableError(f"the database does not answer as it should: {reason}") from error


def _migrate(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with _transaction(engine) as connection:
        # SQLite's transaction is a lock already.
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        _refuse_newer(connection, ScriptDirectory.from_config(config))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _refuse_newer(connection: Connection, scripts: ScriptDirectory) -> None:
    for revision in MigrationContext.configure(connection).get_current_heads():
        try:
            scripts.get_revision(revision)
        except CommandError as error:
            raise DatabaseNewerError(
                f"the database is at revision {revision!r}, which this coordinator does not know (its newest is "
                f"{scripts.get_current_head()!r}): a newer one has used it. Run that version"
            ) from error


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # Transactions are SQLAlchemy's; the module's own begin and commit behind one's back.
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_immediate(connection: Connection) -> None:
    # A transaction that reads first and writes later would otherwise fail in its middle when another one writes.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
