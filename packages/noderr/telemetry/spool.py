"""Telemetry that the coordinator has not taken yet, on the data volume: numbered, bounded, and never lost by a kill.

A record's sequence only grows and is used once, also across restarts and after everything was delivered. Above the
bound the oldest records are dropped and counted, in the same transaction in which the new one is written.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from noderr.types.wire.telemetry_pb2 import Record
from noderr.utils import SqliteStore

FILE_NAME = "telemetry.sqlite3"

_MIGRATIONS = (
    """
    CREATE TABLE records (
        sequence INTEGER PRIMARY KEY,
        body BLOB NOT NULL
    );
    -- One row. `last_sequence` is the highest that was ever given out; SQLite's integers end at 2^63 - 1.
    CREATE TABLE counters (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        last_sequence INTEGER NOT NULL,
        last_heartbeat INTEGER NOT NULL,
        dropped INTEGER NOT NULL,
        size_bytes INTEGER NOT NULL
    );
    INSERT INTO counters VALUES (1, 0, 0, 0, 0);
    """,
    # Counted as they come and go: to count the rows takes the longer the more of them wait.
    """
    ALTER TABLE counters ADD COLUMN records INTEGER NOT NULL DEFAULT 0;
    UPDATE counters SET records = (SELECT count(*) FROM records);
    """,
)


@dataclass(frozen=True)
class SpoolState:
    """What waits: `records` of `size_bytes` together; `dropped` since the data directory was made."""

    records: int
    size_bytes: int
    dropped: int


class Spool:
    """The spool in `folder`. Opening raises `noderr.utils` errors (`StoreError`, `NewerVersionError`)."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._store = SqliteStore(folder / FILE_NAME, _MIGRATIONS)

    async def append(self, record: Record) -> int:
        """Write the record under the next sequence, which is set in it and returned. Raises `StoreError`."""
        return (await self.append_all([record]))[0]

    async def append_all(self, records: list[Record]) -> list[int]:
        """Write several in one transaction; all or none."""
        return await self._store.run(lambda connection: self._append(connection, records))

    async def batch(self, max_records: int, max_bytes: int) -> list[Record]:
        """The oldest records, at most so many and so large together, but at least one if there is any."""

        def read(connection: sqlite3.Connection) -> list[Record]:
            found: list[Record] = []
            size = 0
            rows = connection.execute("SELECT sequence, body FROM records ORDER BY sequence LIMIT ?", (max_records,))
            for sequence, body in rows:
                size += len(body)
                if found and size > max_bytes:
                    break
                record = Record.FromString(body)
                record.sequence = sequence
                found.append(record)
            return found

        return await self._store.run(read)

    async def acknowledge(self, up_to: int) -> None:
        """Forget every record up to this sequence: the coordinator has them on its disk."""
        await self._store.run(lambda connection: _forget(connection, up_to))

    async def renumber(self, first_free: int) -> None:
        """Give what waits new sequences from `first_free` on.

        The coordinator knows the old ones with other content: this data directory was restored from a backup.
        """

        def work(connection: sqlite3.Connection) -> None:
            rows = connection.execute("SELECT sequence, body FROM records ORDER BY sequence").fetchall()
            connection.execute("DELETE FROM records")
            connection.executemany(
                "INSERT INTO records VALUES (?, ?)", [(first_free + n, body) for n, (_, body) in enumerate(rows)]
            )
            last = first_free + len(rows) - 1
            connection.execute("UPDATE counters SET last_sequence = max(last_sequence, ?)", (last,))

        await self._store.run(work)

    async def next_heartbeat(self) -> int:
        """A number above that of every heartbeat before, also of those before a restart."""

        def work(connection: sqlite3.Connection) -> int:
            [number] = connection.execute(
                "UPDATE counters SET last_heartbeat = last_heartbeat + 1 RETURNING last_heartbeat"
            ).fetchone()
            return int(number)

        return await self._store.run(work)

    async def raise_heartbeat(self, above: int) -> None:
        """Let the next heartbeat's number be above this one."""
        await self._store.run(
            lambda connection: connection.execute(
                "UPDATE counters SET last_heartbeat = max(last_heartbeat, ?)", (above,)
            ).close()
        )

    async def state(self) -> SpoolState:
        def work(connection: sqlite3.Connection) -> SpoolState:
            return SpoolState(*connection.execute("SELECT records, size_bytes, dropped FROM counters").fetchone())

        return await self._store.run(work)

    async def close(self) -> None:
        await self._store.close()

    def _append(self, connection: sqlite3.Connection, records: list[Record]) -> list[int]:
        [last] = connection.execute("SELECT last_sequence FROM counters").fetchone()
        sequences, added = [], 0
        for sequence, record in enumerate(records, last + 1):
            record.sequence = sequence
            body = record.SerializeToString()
            connection.execute("INSERT INTO records VALUES (?, ?)", (sequence, body))
            sequences.append(sequence)
            added += len(body)
        connection.execute(
            "UPDATE counters SET last_sequence = ?, records = records + ?, size_bytes = size_bytes + ?",
            (last + len(records), len(records), added),
        )
        self._make_room(connection)
        return sequences

    def _make_room(self, connection: sqlite3.Connection) -> None:
        [size] = connection.execute("SELECT size_bytes FROM counters").fetchone()
        excess = size - self.limit_bytes
        if excess <= 0:
            return
        up_to = 0
        for sequence, length in connection.execute("SELECT sequence, length(body) FROM records ORDER BY sequence"):
            up_to, excess = sequence, excess - length
            if excess <= 0:
                break
        dropped = _forget(connection, up_to)
        connection.execute("UPDATE counters SET dropped = dropped + ?", (dropped,))


def _forget(connection: sqlite3.Connection, up_to: int) -> int:
    """Delete the records up to this sequence and keep the size right; returns how many they were."""
    [size] = connection.execute(
        "SELECT coalesce(sum(length(body)), 0) FROM records WHERE sequence <= ?", (up_to,)
    ).fetchone()
    deleted = connection.execute("DELETE FROM records WHERE sequence <= ?", (up_to,)).rowcount
    connection.execute("UPDATE counters SET records = records - ?, size_bytes = size_bytes - ?", (deleted, size))
    return deleted
