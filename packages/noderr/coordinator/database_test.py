"""The schema and its migrations, on both databases; what happens while a database is away."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.engine import URL

from noderr.coordinator.database import FILE_NAME, Database, sqlite_url
from noderr.coordinator.errors import DatabaseNewerError, StoreUnavailableError
from noderr.coordinator.registry import Registry
from noderr.coordinator.tables import metadata
from noderr.coordinator.testing_postgres import PostgresServer


def test_migrations_make_what_the_tables_say(database: Database) -> None:
    with database.transaction() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_migrating_twice_keeps_what_is_there(url: URL) -> None:
    for _ in range(2):
        database = Database(url)
        database.migrate()
        registry = Registry(database)
        before = registry.desired()
        registry.desire("oracle", "1.2.3")
        database.close()
    assert before == {"oracle": "1.2.3"}


def test_many_migrate_at_once(url: URL) -> None:
    databases = [Database(url) for _ in range(4)]
    failures: list[BaseException] = []
    together = threading.Barrier(len(databases))

    def migrate(database: Database) -> None:
        together.wait(timeout=20)
        try:
            database.migrate()
        except BaseException as error:  # Whatever it is, the test shows it.
            failures.append(error)

    threads = [threading.Thread(target=migrate, args=(database,), daemon=True) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()
    for database in databases:
        database.close()
    assert failures == []


def test_a_newer_database_is_left_alone(url: URL) -> None:
    first = Database(url)
    with first.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    first.close()
    second = Database(url)
    with pytest.raises(DatabaseNewerError, match="'9999'.*its newest is '0001'.*Run that version"):
        second.migrate()
    # Who does not ask first is refused too.
    with pytest.raises(StoreUnavailableError, match="9999"):
        Registry(second).desire("oracle", "1.2.3")
    with pytest.raises(StoreUnavailableError, match="9999"):
        Registry(second).desired()
    second.close()


def test_a_failed_block_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with database.transaction() as connection:
            connection.execute(text("INSERT INTO desired_versions (tier, version) VALUES ('oracle', '1.0.0')"))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert Registry(database).desired() == {}


def test_sqlite_is_durable(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path))
    with database.transaction() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
    database.close()
    assert (tmp_path / FILE_NAME).exists()


def test_postgresql_is_durable(postgres: PostgresServer) -> None:
    database = Database(postgres.new_database())
    with database.transaction() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"
        assert connection.execute(text("SHOW statement_timeout")).scalar() == "10s"
    database.close()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"not a database, and longer than a header of one" * 10)
    database = Database(sqlite_url(tmp_path))
    with pytest.raises(StoreUnavailableError, match="file is not a database"):
        database.migrate()
    database.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_may_not_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    database = Database(sqlite_url(tmp_path))
    with pytest.raises(StoreUnavailableError):
        database.migrate()
    tmp_path.chmod(0o700)
    database.close()


def test_sqlite_held_by_another_process_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("noderr.coordinator.database._BUSY_SECONDS", 0.05)
    database = Database(sqlite_url(tmp_path))
    database.migrate()
    other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError, match="database is locked"):
        Registry(database).desired()
    other.execute("COMMIT")
    other.close()
    assert Registry(database).desired() == {}
    database.close()


def test_postgresql_goes_away_and_comes_back(postgres: PostgresServer) -> None:
    database = Database(postgres.new_database())
    registry = Registry(database)
    registry.desire("oracle", "1.2.3")
    postgres.stop()
    try:
        with pytest.raises(StoreUnavailableError, match="does not answer as it should"):
            registry.desired()
    finally:
        postgres.start()
    assert registry.desired() == {"oracle": "1.2.3"}
    database.close()


def test_postgresql_that_is_not_there_yet(postgres: PostgresServer) -> None:
    database = Database(postgres.new_database())
    postgres.stop()
    try:
        with pytest.raises(StoreUnavailableError):
            Registry(database).desired()
    finally:
        postgres.start()
    # The schema is made when the database is there, and not only at the start.
    assert Registry(database).desired() == {}
    database.close()
