"""The node's embedded database: SQLite in WAL mode, on a thread of its own, with ordered migrations.

A commit is on the disk (`synchronous=FULL`) before anyone is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from noderr.utils.errors import StoreBusyError, StoreClosedError
from noderr.utils.sqlite_store_connection import connect, transaction, translated
from noderr.utils.sqlite_store_migrations import Migration, migrate

_BUSY_SECONDS = 5.0
_PENDING_LIMIT = 1024


class SqliteStore:
    """One database file: opened at once, then used with `await store.run(…)`, and ended with `await store.close()`.

    Several processes may open one file: each waits up to `busy_seconds` for another's transaction.
    """

    def __init__(
        self,
        path: Path,
        migrations: Sequence[Migration],
        *,
        busy_seconds: float = _BUSY_SECONDS,
        pending_limit: int = _PENDING_LIMIT,
    ) -> None:
        """Open `path`, made with mode 0600 if absent, and bring it to version `len(migrations)`.

        Raises `NewerVersionError`, `StoreMigrationError`, `StoreCorruptError`, `StoreFullError`, `StoreBusyError`, or
        `StoreError` when the file cannot be opened. In each case the file keeps what it had.
        """
        self._path = path
        self._pending_limit = pending_limit
        with translated(path):
            self._connection = connect(path, busy_seconds)
            try:
                migrate(self._connection, path, migrations)
            except BaseException:
                self._connection.close()
                raise
        self._work: queue.Queue[_Work] = queue.Queue(pending_limit)
        self._ended: Future[None] = Future()
        self._ended.set_running_or_notify_cancel()  # From here on no cancelled caller of `close` can cancel it.
        # A daemon, so that a store somebody forgot to close does not keep the process from ending.
        threading.Thread(target=self._serve, name=f"sqlite {path.name}", daemon=True).start()

    @property
    def path(self) -> Path:
        return self._path

    async def run[T](self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Call `work` with the connection inside a transaction, on the store's thread, and return what it returned.

        The transaction is committed when `work` returns and rolled back when it raises; its exception is passed on, and
        those of the disk and the file become a `StoreError`. Work runs in the order of the calls. Results that need the
        connection (cursors) must be fetched inside. A caller that is cancelled while its work runs does not stop it.

        Raises `StoreBusyError` when `pending_limit` pieces of work wait already, `StoreClosedError` after `close`.
        """
        item = _Work(work, Future())
        try:
            self._work.put_nowait(item)
        except queue.Full:
            raise StoreBusyError(
                f"{self._path}: {self._pending_limit} pieces of work wait already: the disk is too slow for what is "
                f"asked of it; try again later"
            ) from None
        except queue.ShutDown:
            raise StoreClosedError(f"{self._path} was closed and takes no more work") from None
        result: T = await asyncio.wrap_future(item.future)
        return result

    async def close(self) -> None:
        """Take no more work, finish what waits, and close the file. Harmless when called twice."""
        self._work.shutdown()
        await asyncio.wrap_future(self._ended)

    def _serve(self) -> None:
        try:
            with translated(self._path), contextlib.closing(self._connection), contextlib.suppress(queue.ShutDown):
                while True:
                    self._work.get().do(self._connection, self._path)
        except Exception as error:
            self._ended.set_exception(error)
        else:
            self._ended.set_result(None)


class _Work:
    """One piece of work and who waits for it."""

    def __init__(self, work: Callable[[sqlite3.Connection], Any], future: Future[Any]) -> None:
        self._work = work
        self.future = future

    def do(self, connection: sqlite3.Connection, path: Path) -> None:
        if not self.future.set_running_or_notify_cancel():
            return  # Its caller was cancelled while it waited.
        try:
            with translated(path), transaction(connection):
                result = self._work(connection)
        except BaseException as error:  # Whatever it is, it belongs to the caller, and the thread lives on.
            self.future.set_exception(error)
        else:
            self.future.set_result(result)
