"""For the coordinator's tests: databases, so that every test that asks for `database` runs on SQLite and on PostgreSQL;
and the nodes' API.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from noderr.coordinator.database import Database, sqlite_url
from noderr.coordinator.testing_nodes_api import Coordinator
from noderr.coordinator.testing_postgres import PostgresServer, postgres_programs


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer(postgres_programs()) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """Where an empty database is."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def database(url: URL) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


@pytest.fixture
async def coordinator(tmp_path: Path, executor: ThreadPoolExecutor) -> AsyncIterator[Coordinator]:
    made = Coordinator(tmp_path, executor)
    yield made
    await made.client.aclose()
    made.database.close()
