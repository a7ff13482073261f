from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from noderr.utils import (
    SqliteStore,
    StoreBusyError,
    StoreClosedError,
    StoreError,
    StoreFullError,
)

MIGRATIONS = (
    "CREATE TABLE account (id INTEGER PRIMARY KEY);"
    "CREATE TABLE entry (account INTEGER REFERENCES account, units INTEGER);",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "node.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path, MIGRATIONS)
    yield store
    await store.close()


def accounts(connection: sqlite3.Connection) -> int:
    (count,) = connection.execute("SELECT count(*) FROM account").fetchone()
    return int(count)


def add_account(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO account DEFAULT VALUES")


async def test_work_runs_in_a_transaction_that_is_kept(store: SqliteStore, path: Path) -> None:
    def work(connection: sqlite3.Connection) -> str:
        assert connection.in_transaction
        add_account(connection)
        return "done"

    assert await store.run(work) == "done"
    await store.close()
    reopened = SqliteStore(path, MIGRATIONS)
    assert await reopened.run(accounts) == 1
    await reopened.close()


async def test_work_that_raises_leaves_nothing_and_the_next_works(store: SqliteStore) -> None:
    def work(connection: sqlite3.Connection) -> None:
        add_account(connection)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await store.run(work)
    assert await store.run(accounts) == 0


async def test_broken_constraint_is_the_callers_own_error(store: SqliteStore) -> None:
    def orphan(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO entry VALUES (42, 1)")

    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        await store.run(orphan)
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await store.run(lambda connection: connection.execute("SELECT * FROM absent"))


@pytest.mark.parametrize("statement", ["COMMIT", "ROLLBACK"])
async def test_work_that_ends_its_transaction_is_told(store: SqliteStore, statement: str) -> None:
    with pytest.raises(StoreError, match="no longer in its transaction"):
        await store.run(lambda connection: connection.execute(statement))
    assert await store.run(accounts) == 0


async def test_commit_of_the_module_does_not_end_the_transaction(store: SqliteStore) -> None:
    def work(connection: sqlite3.Connection) -> None:
        add_account(connection)
        connection.commit()
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await store.run(work)
    assert await store.run(accounts) == 0


async def test_disk_is_told_before_the_caller(store: SqliteStore, path: Path) -> None:
    def pragmas(connection: sqlite3.Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    full = 2
    assert await store.run(pragmas) == ["wal", full, 1, 5000]
    assert {entry.stat().st_mode & 0o777 for entry in path.parent.iterdir()} == {0o600}


async def test_work_runs_on_one_thread_in_order_and_never_on_the_loops(store: SqliteStore) -> None:
    order: list[int] = []

    def work(number: int) -> int:
        order.append(number)
        return threading.get_ident()

    threads = await asyncio.gather(*(store.run(lambda _, n=n: work(n)) for n in range(50)))  # type: ignore[misc]
    assert order == list(range(50))
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


async def test_waiting_work_is_bounded_and_a_cancelled_caller_gives_its_work_up(path: Path) -> None:
    store = SqliteStore(path, MIGRATIONS, pending_limit=2)
    let_go, begun = threading.Event(), threading.Event()

    def slow(_connection: sqlite3.Connection) -> None:
        begun.set()
        let_go.wait(5)

    running = asyncio.create_task(store.run(slow))
    await asyncio.to_thread(begun.wait, 5)
    waiting = [asyncio.create_task(store.run(add_account)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(StoreBusyError, match="2 pieces of work wait already"):
        await store.run(add_account)
    waiting[0].cancel()
    await asyncio.wait(waiting[:1])
    let_go.set()
    await asyncio.gather(running, waiting[1])
    assert await store.run(accounts) == 1
    await store.close()


async def test_a_cancelled_caller_does_not_stop_its_running_work(store: SqliteStore) -> None:
    let_go, begun = threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        begun.set()
        let_go.wait(5)
        add_account(connection)

    running = asyncio.create_task(store.run(slow))
    await asyncio.to_thread(begun.wait, 5)
    running.cancel()
    let_go.set()
    assert await store.run(accounts) == 1


async def test_close_finishes_what_waits_and_takes_no_more(store: SqliteStore, path: Path) -> None:
    waiting = [asyncio.create_task(store.run(add_account)) for _ in range(20)]
    await asyncio.sleep(0)
    await asyncio.gather(store.close(), store.close())
    await asyncio.gather(*waiting)
    with pytest.raises(StoreClosedError, match=r"node\.db was closed"):
        await store.run(accounts)
    assert [entry.name for entry in path.parent.iterdir()] == ["node.db"]
    assert not any(thread.name == "sqlite node.db" for thread in threading.enumerate())
    reopened = SqliteStore(path, MIGRATIONS)
    assert await reopened.run(accounts) == 20
    await reopened.close()


async def test_full_database_is_an_error_that_loses_only_its_transaction(store: SqliteStore) -> None:
    def limit(connection: sqlite3.Connection) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")

    def fill(connection: sqlite3.Connection) -> None:
        add_account(connection)
        connection.executemany("INSERT INTO entry VALUES (1, ?)", ((2**60 + n,) for n in range(5000)))

    await store.run(add_account)
    await store.run(limit)
    with pytest.raises(StoreFullError, match=r"node\.db: database or disk is full: make room"):
        await store.run(fill)
    await store.run(add_account)
    assert await store.run(accounts) == 2
    await store.run(lambda connection: connection.execute("PRAGMA max_page_count = 1000"))
    await store.run(fill)
    assert await store.run(accounts) == 3


async def test_two_processes_may_write_and_one_that_waits_too_long_is_told(store: SqliteStore, path: Path) -> None:
    other = SqliteStore(path, MIGRATIONS, busy_seconds=0.05)
    await asyncio.gather(*(each.run(add_account) for each in (store, other) * 20))
    assert await other.run(accounts) == 40
    let_go, begun = threading.Event(), threading.Event()

    def hold(connection: sqlite3.Connection) -> None:
        begun.set()
        let_go.wait(5)

    holding = asyncio.create_task(store.run(hold))
    await asyncio.to_thread(begun.wait, 5)
    with pytest.raises(StoreBusyError, match="database is locked: another process holds it"):
        await other.run(add_account)
    let_go.set()
    await holding
    await other.run(add_account)
    await other.close()


def test_many_may_open_a_new_database_at_once(path: Path) -> None:
    def open_and_close(_number: int) -> int:
        async def work() -> int:
            store = SqliteStore(path, MIGRATIONS)
            await store.run(add_account)
            (version,) = await store.run(lambda connection: connection.execute("PRAGMA user_version").fetchone())
            await store.close()
            return int(version)

        return asyncio.run(work())

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(open_and_close, range(16))) == [1] * 16


def test_file_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be made: No such file or directory"):
        SqliteStore(tmp_path / "absent" / "node.db", MIGRATIONS)
    with pytest.raises(StoreError, match="unable to open database file"):
        SqliteStore(tmp_path, MIGRATIONS)
