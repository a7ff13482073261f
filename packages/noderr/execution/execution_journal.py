"""The records of all trades on the disk. What was appended is there when `append` returns, all of it or none."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from noderr.execution.reconciler import Correction
from noderr.execution.records import Record, TradeFinished, TradeOpened, decode_record, encode_record
from noderr.types.trading import decimal_text
from noderr.utils import SqliteStore

FILE_NAME = "execution.sqlite3"

_MIGRATIONS = (
    """
    -- An id that is here was executed: it never is again.
    CREATE TABLE trades (
        trade_id BLOB PRIMARY KEY,
        finished INTEGER NOT NULL DEFAULT 0,
        -- 1 once the outcome was told to who settles and attests.
        told INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
    CREATE INDEX trades_not_told ON trades (told) WHERE told = 0;
    CREATE TABLE records (
        number INTEGER PRIMARY KEY,
        trade_id BLOB NOT NULL REFERENCES trades,
        body BLOB NOT NULL
    );
    CREATE INDEX records_by_trade ON records (trade_id, number);
    -- What an account should have held, and what its venue said it held, which was taken over.
    CREATE TABLE corrections (
        number INTEGER PRIMARY KEY,
        at_ns INTEGER NOT NULL,
        venue TEXT NOT NULL,
        currency TEXT NOT NULL,
        ours TEXT NOT NULL,
        theirs TEXT NOT NULL
    );
    -- One row while the engine is halted.
    CREATE TABLE halt (only INTEGER PRIMARY KEY CHECK (only = 1), why TEXT NOT NULL, at_ns INTEGER NOT NULL);
    """,
)


class ExecutionJournal:
    """The file in `folder`. Every call, and opening, raises `StoreError`; reading raises `JournalError`."""

    def __init__(self, folder: Path) -> None:
        """Opens the file, which blocks."""
        self._store = SqliteStore(folder / FILE_NAME, _MIGRATIONS)

    async def append(self, records: Sequence[Record]) -> None:
        """In one step. A trade that is opened a second time is `sqlite3.IntegrityError`: nothing is kept then."""
        bodies = [(record, encode_record(record)) for record in records]
        await self._store.run(lambda connection: _append(connection, bodies))

    async def records_of(self, trade_id: bytes) -> list[Record]:
        """In their order; empty where the trade was never begun."""
        rows = await self._store.run(
            lambda connection: connection.execute(
                "SELECT body FROM records WHERE trade_id = ? ORDER BY number", (trade_id,)
            ).fetchall()
        )
        return [decode_record(body) for (body,) in rows]

    async def not_told(self) -> list[bytes]:
        """The trades that are under way, or finished without anybody knowing; the oldest first."""
        rows = await self._store.run(
            lambda connection: connection.execute(
                "SELECT trade_id FROM trades WHERE told = 0 "
                "ORDER BY (SELECT min(number) FROM records WHERE records.trade_id = trades.trade_id)"
            ).fetchall()
        )
        return [trade_id for (trade_id,) in rows]

    async def mark_told(self, trade_id: bytes) -> None:
        await self._store.run(
            lambda connection: connection.execute("UPDATE trades SET told = 1 WHERE trade_id = ?", (trade_id,))
        )

    async def halt(self, why: str, at_ns: int) -> None:
        """The first reason stays."""
        await self._store.run(
            lambda connection: connection.execute("INSERT OR IGNORE INTO halt VALUES (1, ?, ?)", (why, at_ns))
        )

    async def resume(self) -> None:
        await self._store.run(lambda connection: connection.execute("DELETE FROM halt"))

    async def halted(self) -> str | None:
        """Why nothing new may be sent; None when it may."""
        row = await self._store.run(lambda connection: connection.execute("SELECT why FROM halt").fetchone())
        return None if row is None else str(row[0])

    async def correct(self, venue: str, corrections: Sequence[Correction], at_ns: int) -> None:
        """The venue's word took the place of ours."""
        rows = [(at_ns, venue, one.currency, decimal_text(one.ours), decimal_text(one.venue)) for one in corrections]
        await self._store.run(
            lambda connection: connection.executemany(
                "INSERT INTO corrections (at_ns, venue, currency, ours, theirs) VALUES (?, ?, ?, ?, ?)", rows
            )
        )

    async def corrections(self) -> list[tuple[int, str, Correction]]:
        """All of them, with their times and venues."""
        rows = await self._store.run(
            lambda connection: connection.execute(
                "SELECT at_ns, venue, currency, ours, theirs FROM corrections ORDER BY number"
            ).fetchall()
        )
        return [
            (at_ns, venue, Correction(currency, Decimal(ours), Decimal(theirs)))
            for at_ns, venue, currency, ours, theirs in rows
        ]

    async def close(self) -> None:
        await self._store.close()


def _append(connection: sqlite3.Connection, records: Sequence[tuple[Record, bytes]]) -> None:
    for record, body in records:
        if isinstance(record, TradeOpened):
            connection.execute("INSERT INTO trades (trade_id) VALUES (?)", (record.trade_id,))
        elif isinstance(record, TradeFinished):
            connection.execute("UPDATE trades SET finished = 1 WHERE trade_id = ?", (record.trade_id,))
        connection.execute("INSERT INTO records (trade_id, body) VALUES (?, ?)", (record.trade_id, body))
