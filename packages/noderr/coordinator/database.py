"""The database: SQLite in the data directory, or PostgreSQL by its address, through the same code."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, TimeoutError

from noderr.coordinator.errors import DatabaseNewerError, DatabaseSettingError, StoreUnavailableError

FILE_NAME = "coordinator.sqlite3"
_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x6E6F6465  # Any number that nobody else locks in this database: "node".
_CONNECTIONS = 4
_BUSY_SECONDS = 10


def database_url(setting: str | None, data_dir: Path) -> URL:
    """Where the database is. Raises `DatabaseSettingError`; the address is not repeated, for it may hold a password."""
    if not setting:
        return URL.create("sqlite", database=str(data_dir / FILE_NAME))
    try:
        url = make_url(setting)
    except (ArgumentError, ValueError) as error:
        raise DatabaseSettingError(
            "NODEOS_DATABASE_URL=(hidden) is no address: write postgresql://user:password@host/name"
        ) from error
    if url.drivername not in ("postgresql", "postgresql+psycopg"):
        raise DatabaseSettingError(
            f"NODEOS_DATABASE_URL names {url.drivername!r}: it must begin with postgresql://; unset it for SQLite"
        )
    return url.set(drivername="postgresql+psycopg")


def open_engine(url: URL) -> Engine:
    """An engine with a few connections. Connects when it is first used."""
    if url.get_backend_name() == "postgresql":
        return create_engine(
            url, pool_size=_CONNECTIONS, max_overflow=0, pool_timeout=5, pool_pre_ping=True, connect_args=_POSTGRES
        )
    engine = create_engine(url, pool_size=_CONNECTIONS, max_overflow=0, connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


_POSTGRES = {"connect_timeout": 5, "application_name": "noderr-coordinator", "options": "-c statement_timeout=10000"}


@contextlib.contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """One transaction, on the disk when the block ends. Raises `StoreUnavailableError` when the database fails."""
    try:
        with engine.begin() as connection:
            yield connection
    except (DBAPIError, TimeoutError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        reason = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
        raise StoreUnavailableError(f"the database does not answer as it should: {reason}") from error


def migrate(engine: Engine) -> None:
    """Bring the database to this build's schema. Raises `DatabaseNewerError` and `StoreUnavailableError`."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with transaction(engine) as connection:
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
