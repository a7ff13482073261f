"""How the last rounds ended, decided or not: what the health of the validators' consensus is told by."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from noderr.core.consensus.actions import Failure
from noderr.types.consensus import Choice
from noderr.utils import SqliteStore
from noderr.validator_consensus.errors import HistoryError

FILE_NAME = "rounds.sqlite3"
HEALTH_ROUNDS = 10
HEALTHY_PERCENT = 80
_MAX_SQLITE_INTEGER = (1 << 63) - 1

_MIGRATIONS = (
    """
    CREATE TABLE rounds (
        round INTEGER NOT NULL,
        topic BLOB NOT NULL,
        -- One of these is set: the choice of the certificate, or why there is none.
        choice INTEGER,
        failure TEXT,
        PRIMARY KEY (round, topic)
    ) WITHOUT ROWID;
    """,
)


@dataclass(frozen=True, slots=True)
class PastRound:
    """`outcome` is what was decided, or why nothing was."""

    round: int
    topic: bytes
    outcome: Choice | Failure


@dataclass(frozen=True, slots=True)
class RoundHealth:
    """Of the last `rounds` (at most 10), `decided` were."""

    rounds: int
    decided: int

    @property
    def is_healthy(self) -> bool:
        """At least 80 %. Where there was no round yet, none has failed."""
        return 100 * self.decided >= HEALTHY_PERCENT * self.rounds


class RoundHistory:
    """The history in `folder`. Its calls, and opening, raise `noderr.utils` errors (`StoreError`) too."""

    def __init__(self, folder: Path, keep: int = 1000) -> None:
        """The newest `keep` rounds are kept. Raises `HistoryError`."""
        if not HEALTH_ROUNDS <= keep <= 1_000_000:
            raise HistoryError(f"keep is {keep}: it must be {HEALTH_ROUNDS} to 1000000, or health forgets")
        self._keep = keep
        self._store = SqliteStore(folder / FILE_NAME, _MIGRATIONS)

    async def record(self, ended: PastRound) -> None:
        """How a round ended. A failed one may be decided after all; what was decided stays.

        Raises `HistoryError` for a number or a topic that no round has.
        """
        if not 0 <= ended.round <= _MAX_SQLITE_INTEGER or len(ended.topic) != 32:
            raise HistoryError(f"round {ended.round}, topic of {len(ended.topic)} bytes: it must be a slot, and 32")
        await self._store.run(lambda connection: self._record(connection, ended))

    async def last(self, count: int) -> tuple[PastRound, ...]:
        """The newest first; at most `count`. Raises `HistoryError` for a negative count."""
        if count < 0:
            raise HistoryError(f"count is {count}: it must be at least 0")
        rows = await self._store.run(
            lambda connection: connection.execute(
                "SELECT round, topic, choice, failure FROM rounds ORDER BY round DESC, topic DESC LIMIT ?", (count,)
            ).fetchall()
        )
        return tuple(
            PastRound(round_, topic, Failure(failure) if choice is None else Choice(choice))
            for round_, topic, choice, failure in rows
        )

    async def health(self) -> RoundHealth:
        """Of the last 10 rounds."""
        last = await self.last(HEALTH_ROUNDS)
        return RoundHealth(len(last), sum(isinstance(one.outcome, Choice) for one in last))

    async def close(self) -> None:
        await self._store.close()

    def _record(self, connection: sqlite3.Connection, ended: PastRound) -> None:
        choice = int(ended.outcome) if isinstance(ended.outcome, Choice) else None
        failure = ended.outcome.value if isinstance(ended.outcome, Failure) else None
        connection.execute(
            "INSERT INTO rounds VALUES (?, ?, ?, ?) ON CONFLICT (round, topic) DO UPDATE "
            "SET choice = excluded.choice, failure = NULL WHERE choice IS NULL AND excluded.choice IS NOT NULL",
            (ended.round, ended.topic, choice, failure),
        )
        connection.execute(
            "DELETE FROM rounds WHERE (round, topic) IN "
            "(SELECT round, topic FROM rounds ORDER BY round DESC, topic DESC LIMIT -1 OFFSET ?)",
            (self._keep,),
        )
