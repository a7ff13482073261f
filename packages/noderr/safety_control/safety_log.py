"""The safety log: who changed what may be traded, when and why. Its last words are the state; nothing else is.

Each record's digest covers the one before it, so that a row that was changed or taken out is noticed. It is no proof
against somebody who can write the file and does it well: they could have used the command.
"""

from __future__ import annotations

import enum
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from noderr.safety_control.errors import LogDamagedError, RecordError
from noderr.types.canonical_json import canonical_digest
from noderr.utils import SqliteStore

FILE_NAME = "safety.sqlite3"

_FIRST = b"\0" * 32
_LONGEST = 500
_MIGRATIONS = (
    """
    CREATE TABLE records (
        number INTEGER PRIMARY KEY,
        at_ns INTEGER NOT NULL,
        kind TEXT NOT NULL,
        person TEXT NOT NULL,
        reason TEXT NOT NULL,
        detail TEXT NOT NULL,
        digest BLOB NOT NULL
    );
    """,
)


class Kind(enum.StrEnum):
    """What happened. MODE is what the node saw itself in; the others are what people and the node did."""

    HALT = "halt"
    REDUCE = "reduce"
    RESUME = "resume"
    PERMIT = "permit"
    LEASE = "lease"
    MODE = "mode"


@dataclass(frozen=True, slots=True)
class Record:
    """`number` counts from 1. `detail` is the permits of PERMIT and LEASE, and the mode of MODE."""

    number: int
    at_ns: int
    kind: Kind
    person: str
    reason: str
    detail: str = ""


def check_words(field: str, text: str) -> str:
    """The text without spaces around it: something, and of one line. Raises `RecordError`."""
    stripped = text.strip()
    if not stripped or len(stripped) > _LONGEST or not stripped.isprintable():
        raise RecordError(f"{field} is {text[:80]!r}: give 1 to {_LONGEST} characters of one line")
    return stripped


class SafetyLog:
    """The file in `folder`; a node and a command may have it open at once. Opening and calls raise `StoreError` too."""

    def __init__(self, folder: Path) -> None:
        """Blocks on the disk."""
        self._store = SqliteStore(folder / FILE_NAME, _MIGRATIONS)
        self._records: list[Record] = []
        self._digest = _FIRST

    async def append(self, kind: Kind, person: str, reason: str, at_ns: int, detail: str = "") -> Record:
        """When it returns, it is on the disk. Raises `RecordError`, `LogDamagedError`."""
        person, reason = check_words("person", person), check_words("reason", reason)

        def work(connection: sqlite3.Connection) -> Record:
            records, digest = self._read(connection)
            number = (records[-1].number if records else 0) + 1
            record = Record(number, at_ns, kind, person, reason, detail)
            connection.execute(
                "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?)",
                (number, at_ns, kind.value, person, reason, detail, _digest(digest, record)),
            )
            return record

        return await self._store.run(work)

    async def records(self) -> list[Record]:
        """All of them, oldest first. What is new is verified. Raises `LogDamagedError`."""

        def work(connection: sqlite3.Connection) -> list[Record]:
            self._records, self._digest = self._read(connection)
            return self._records

        return await self._store.run(work)

    async def close(self) -> None:
        await self._store.close()

    def _read(self, connection: sqlite3.Connection) -> tuple[list[Record], bytes]:
        """What was known, and what came since; on the store's thread."""
        known, digest = list(self._records), self._digest
        last = known[-1].number if known else 0
        rows = connection.execute("SELECT * FROM records WHERE number >= ? ORDER BY number", (last,)).fetchall()
        if known:
            if not rows or rows[0][-1] != digest:
                raise LogDamagedError(f"record {last} of the safety log is not what it was: {_REMEDY}")
            rows = rows[1:]
        for number, at_ns, kind, person, reason, detail, written in rows:
            if number != last + 1 or kind not in Kind:
                raise LogDamagedError(f"the safety log has record {number} of kind {kind!r} after {last}: {_REMEDY}")
            record = Record(number, at_ns, Kind(kind), person, reason, detail)
            digest = _digest(digest, record)
            if digest != written:
                raise LogDamagedError(f"record {number} of the safety log is not what was written: {_REMEDY}")
            known.append(record)
            last = number
        return known, digest


_REMEDY = f"find out who wrote to {FILE_NAME}, keep a copy, and restore it from a backup"


def _digest(previous: bytes, record: Record) -> bytes:
    return canonical_digest({"previous": previous, "record": record})
