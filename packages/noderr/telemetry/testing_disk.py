"""For tests: a spool's database that takes nothing, as on a disk that is full or became read-only."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from noderr.telemetry.recorder import TelemetryService

_SECONDS = 10.0


def limit_growth(service: TelemetryService, *, pages: int | None) -> None:
    """Let the database have so many pages more, as on a disk that gets full; or as many as it likes."""

    def limit(connection: sqlite3.Connection) -> None:
        [now] = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {1 << 30 if pages is None else now + pages}").close()

    _between_two_transactions(service, limit)


def refuse_writes(service: TelemetryService, *, on: bool) -> None:
    """Let SQLite refuse every write, as it does when the file system became read-only."""
    _between_two_transactions(service, lambda connection: connection.execute(f"PRAGMA query_only = {int(on)}").close())


class _Errand:
    """Done by the store's own thread and in no transaction: a connection is one thread's at a time."""

    def __init__(self, run: Callable[[sqlite3.Connection], None]) -> None:
        self._run = run
        self.done: Future[None] = Future()

    def do(self, connection: sqlite3.Connection, _path: Path) -> None:
        try:
            self.done.set_result(self._run(connection))
        except BaseException as error:
            self.done.set_exception(error)


def _between_two_transactions(service: TelemetryService, run: Callable[[sqlite3.Connection], None]) -> None:
    errand: Any = _Errand(run)
    service.spool._store._work.put(errand)
    errand.done.result(_SECONDS)
