"""The record of markets on the disk: numbered without a gap in writing, and checked for gaps in reading.

SQLite, since the Parquet libraries would add 55 MB to an image of 33; what is read is a few seconds of one market.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from noderr.market_data.errors import StoreGapError, StoreOrderError
from noderr.market_data.records import Known, Lost, Print, Quote, Record, record_bytes, record_from
from noderr.utils import SqliteStore

FILE_NAME = "markets.sqlite3"
KEEP_RECORDS = 2_000_000
"""Of one market: some 200 MB, and days of the busiest."""

_MIGRATIONS = (
    """
    CREATE TABLE records (
        market TEXT NOT NULL,
        seq INTEGER NOT NULL,
        received_ns INTEGER NOT NULL,
        -- Whether all is known after this record; since when it is not, where it ends here; whether it is a quote.
        known INTEGER NOT NULL,
        since_ns INTEGER,
        quote INTEGER NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (market, seq)
    ) WITHOUT ROWID;
    CREATE INDEX records_by_time ON records (market, received_ns);
    CREATE INDEX quotes ON records (market, seq) WHERE quote;
    CREATE INDEX ends ON records (market, seq) WHERE since_ns IS NOT NULL;
    """,
)
_MOST_ROWS = 1_000_000


@dataclass(frozen=True, slots=True)
class PriceRange:
    """The lowest and the highest price that was traded or quoted, in quote per base."""

    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Position:
    """The number that the next record has, and the time that it is not before."""

    number: int
    received_ns: int


class MarketStore:
    """The records in `folder`. Its calls, and opening, raise `noderr.utils` errors (`StoreError`) too."""

    def __init__(self, folder: Path, keep: int = KEEP_RECORDS) -> None:
        """The newest `keep` records of each market are kept."""
        self._keep = keep
        self._store = SqliteStore(folder / FILE_NAME, _MIGRATIONS)

    async def resume(self, market: str) -> Position:
        """Where the record goes on; the first number is 1.

        Where the last run ended without a word, what came after its last record is marked as lost.
        """
        return await self._store.run(lambda connection: _resume(connection, market))

    async def append(self, market: str, first: int, records: Sequence[Record]) -> None:
        """Add records numbered from `first`: all, or none. Raises `StoreGapError` unless they follow the last.

        Raises `StoreOrderError` when one is earlier than the one before.
        """
        await self._store.run(lambda connection: self._append(connection, market, first, records))

    async def read(self, market: str, first: int = 0, limit: int = 10_000) -> list[tuple[int, Record]]:
        """At most `limit` records numbered `first` or more, in order. Raises `StoreGapError` where one is missing."""

        def work(connection: sqlite3.Connection) -> list[tuple[int, bytes]]:
            return connection.execute(
                "SELECT seq, body FROM records WHERE market = ? AND seq >= ? ORDER BY seq LIMIT ?",
                (market, first, limit),
            ).fetchall()

        rows = await self._store.run(work)
        _check_follows(market, [seq for seq, _ in rows])
        return [(seq, record_from(body)) for seq, body in rows]

    async def price_range(self, market: str, from_ns: int, to_ns: int, known_until_ns: int) -> PriceRange | None:
        """Of what this machine received from one moment through the other, and of the quote that stood at the first.

        None where something may be missing. `known_until_ns`: nothing that was received until then is unwritten.
        """
        rows = await self._store.run(lambda connection: _window(connection, market, from_ns, to_ns))
        if len(rows) >= _MOST_ROWS:
            return None
        return _range(rows, from_ns, to_ns, known_until_ns)

    async def close(self) -> None:
        await self._store.close()

    def _append(self, connection: sqlite3.Connection, market: str, first: int, records: Sequence[Record]) -> None:
        last, known, received_ns = _last(connection, market)
        if first != last + 1:
            raise StoreGapError(market, last + 1, first)
        for seq, record in enumerate(records, first):
            if record.received_ns < received_ns:
                raise StoreOrderError(f"{market}: record {seq} is of {record.received_ns} ns, before {received_ns} ns")
            received_ns = record.received_ns
            known = isinstance(record, Known) or (known and not isinstance(record, Lost))
            _insert(connection, market, seq, record, known)
        connection.execute(
            "DELETE FROM records WHERE market = ? AND seq <= ?", (market, first + len(records) - 1 - self._keep)
        )


def _last(connection: sqlite3.Connection, market: str) -> tuple[int, bool, int]:
    """Number, whether all is known after it, time."""
    row = connection.execute(
        "SELECT seq, known, received_ns FROM records WHERE market = ? ORDER BY seq DESC LIMIT 1", (market,)
    ).fetchone()
    return (0, False, 0) if row is None else (row[0], bool(row[1]), row[2])


def _insert(connection: sqlite3.Connection, market: str, seq: int, record: Record, known: bool) -> None:
    connection.execute(
        "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            market,
            seq,
            record.received_ns,
            known,
            record.since_ns if isinstance(record, Lost) else None,
            isinstance(record, Quote),
            record_bytes(record),
        ),
    )


def _resume(connection: sqlite3.Connection, market: str) -> Position:
    last, known, received_ns = _last(connection, market)
    if not known:
        return Position(last + 1, received_ns)
    _insert(connection, market, last + 1, Lost(received_ns, "the node ended without a word", received_ns), False)
    return Position(last + 2, received_ns)


type _Row = tuple[int, int, int, bytes]
"""Number, time, whether all is known after it, the record."""
_COLUMNS = "seq, received_ns, known, body"


def _window(connection: sqlite3.Connection, market: str, from_ns: int, to_ns: int) -> list[_Row]:
    """The records of that time, all before it since the quote that stood at its beginning, and the one after it."""
    first, last = connection.execute(
        "SELECT min(seq), max(seq) FROM records WHERE market = ? AND received_ns BETWEEN ? AND ?",
        (market, from_ns, to_ns),
    ).fetchone()
    if first is None:
        before = connection.execute(
            "SELECT seq FROM records WHERE market = ? AND received_ns < ? ORDER BY received_ns DESC, seq DESC LIMIT 1",
            (market, from_ns),
        ).fetchone()
        if before is None:
            return []
        first, last = before[0] + 1, before[0]
    (quote,) = connection.execute(
        "SELECT max(seq) FROM records WHERE market = ? AND quote AND seq < ?", (market, first)
    ).fetchone()
    if quote is None:
        return []
    end = connection.execute(
        "SELECT since_ns FROM records WHERE market = ? AND since_ns IS NOT NULL AND seq >= ? ORDER BY seq LIMIT 1",
        (market, first),
    ).fetchone()
    if end is not None and end[0] < to_ns:
        return []  # What was found out later: already then something was missing.
    rows: list[_Row] = connection.execute(
        f"SELECT {_COLUMNS} FROM records WHERE market = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?",  # noqa: S608
        (market, quote, last + 1, _MOST_ROWS),
    ).fetchall()
    return rows


def _range(rows: Sequence[_Row], from_ns: int, to_ns: int, known_until_ns: int) -> PriceRange | None:
    prices: list[Decimal] = []
    for number, (seq, received_ns, known, body) in enumerate(rows):
        if seq != rows[0][0] + number:  # The file has a hole.
            return None
        if received_ns > to_ns:
            known_until_ns = max(known_until_ns, received_ns)
            break
        if not known:
            return None
        record = record_from(body)
        if isinstance(record, Quote):
            if record.bid is None or record.ask is None:
                return None
            prices += (record.bid, record.ask)
        elif isinstance(record, Print) and received_ns >= from_ns:
            prices.append(record.price)
    if not prices or known_until_ns < to_ns:
        return None
    return PriceRange(min(prices), max(prices))


def _check_follows(market: str, numbers: Sequence[int]) -> None:
    for before, seq in pairwise(numbers):
        if seq != before + 1:
            raise StoreGapError(market, before + 1, seq)
