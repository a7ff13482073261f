"""The reputation of oracles, from how good their forecasts turned out; never from whether they agreed with others.

A round is settled once, when it is known what happened: in one transaction, on the disk before anyone is told. Each
topic (a market) is settled in the order of its rounds, so that nodes that settle the same rounds have the same figures.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from noderr.oracle_consensus.errors import ReputationError, SettledError
from noderr.oracle_consensus.forecast_score import (
    CERTAIN_BPS,
    NO_SKILL_REPUTATION,
    ONE_E8,
    check_probability,
    reputation,
    skill_e8,
    smoothed,
)
from noderr.types.trading.checks import check_bytes, check_integer
from noderr.utils import SqliteStore

FILE_NAME = "reputation.sqlite3"
_MAX_SQLITE_INTEGER = (1 << 63) - 1
_E8_PER_BPS = ONE_E8 // CERTAIN_BPS

_MIGRATIONS = (
    """
    -- The last settled round of each, and how often what it forecasts happens.
    CREATE TABLE topics (
        topic BLOB PRIMARY KEY,
        epoch INTEGER NOT NULL,
        round INTEGER NOT NULL,
        rate_e8 INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE rounds (
        id INTEGER PRIMARY KEY,
        topic BLOB NOT NULL REFERENCES topics,
        epoch INTEGER NOT NULL,
        round INTEGER NOT NULL,
        happened INTEGER NOT NULL,
        reference_bps INTEGER NOT NULL,
        UNIQUE (topic, epoch, round)
    );
    CREATE TABLE forecasts (
        settled INTEGER NOT NULL REFERENCES rounds ON DELETE CASCADE,
        oracle BLOB NOT NULL,
        probability_bps INTEGER NOT NULL,
        skill_e8 INTEGER NOT NULL,
        PRIMARY KEY (settled, oracle)
    ) WITHOUT ROWID;
    CREATE TABLE standings (
        oracle BLOB NOT NULL,
        topic BLOB NOT NULL,
        mean_skill_e8 INTEGER NOT NULL,
        forecasts INTEGER NOT NULL,
        PRIMARY KEY (oracle, topic)
    ) WITHOUT ROWID;
    """,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReputationRules:
    """`memory` forecasts make up most of a mean; `rate_memory` outcomes most of how often a topic's event happens.

    The last `kept_rounds` of a topic are kept, to tell a repetition from a contradiction.
    """

    memory: int = 100
    rate_memory: int = 500
    kept_rounds: int = 1000

    def __post_init__(self) -> None:
        for field in ("memory", "rate_memory", "kept_rounds"):
            check_integer(self, field, getattr(self, field), 1, 1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledRound:
    """What a round's oracles said and whether it happened. `forecasts`: address to probability, in basis points."""

    topic: bytes
    epoch: int
    round: int
    happened: bool
    forecasts: Mapping[bytes, int]

    def __post_init__(self) -> None:
        check_bytes(self, "topic", self.topic, 32)
        check_integer(self, "epoch", self.epoch, 0, _MAX_SQLITE_INTEGER)
        check_integer(self, "round", self.round, 0, _MAX_SQLITE_INTEGER)
        if not isinstance(self.happened, bool):
            raise ReputationError(f"happened is {self.happened!r}: it must be True or False")
        for oracle, probability in self.forecasts.items():
            check_bytes(self, "forecasts", oracle, 20)
            check_probability(probability)


class ReputationLedger:
    """The ledger in `folder`. Its calls, and opening, raise `noderr.utils` errors (`StoreError`) too."""

    def __init__(self, folder: Path, rules: ReputationRules | None = None) -> None:
        self._rules = rules or ReputationRules()
        self._store = SqliteStore(folder / FILE_NAME, _MIGRATIONS)

    async def settle(self, settled: SettledRound) -> None:
        """Score the round's forecasts. The same round again changes nothing.

        Raises `SettledError` when it was settled otherwise, or when a later round of its topic was.
        """
        await self._store.run(lambda connection: self._settle(connection, settled))

    async def reputations(self) -> dict[bytes, int]:
        """The reputation of everyone who was ever scored, 0 to 100."""
        rows = await self._store.run(
            lambda connection: connection.execute("SELECT oracle, mean_skill_e8, forecasts FROM standings").fetchall()
        )
        standings: dict[bytes, list[tuple[int, int]]] = {}
        for oracle, mean, forecasts in rows:
            standings.setdefault(oracle, []).append((mean, min(forecasts, self._rules.memory)))
        return {
            oracle: reputation(sum(mean * weight for mean, weight in of) // sum(weight for _, weight in of))
            for oracle, of in standings.items()
        }

    async def reputation(self, oracle: bytes) -> int:
        """One oracle's; who was never scored has that of no skill, 50."""
        return (await self.reputations()).get(oracle, NO_SKILL_REPUTATION)

    async def close(self) -> None:
        await self._store.close()

    def _settle(self, connection: sqlite3.Connection, new: SettledRound) -> None:
        row = connection.execute("SELECT epoch, round, rate_e8 FROM topics WHERE topic = ?", (new.topic,)).fetchone()
        last, rate = ((row[0], row[1]), row[2]) if row else ((-1, -1), ONE_E8 // 2)
        if (new.epoch, new.round) <= last:
            _check_repeated(connection, new, last)
            return
        # What is known before the outcome is: with it the reference would be a forecast from hindsight.
        reference = rate // _E8_PER_BPS
        connection.execute(
            "INSERT INTO topics VALUES (?, ?, ?, ?) ON CONFLICT (topic) DO UPDATE SET "
            "epoch = excluded.epoch, round = excluded.round, rate_e8 = excluded.rate_e8",
            (new.topic, new.epoch, new.round, smoothed(rate, ONE_E8 * new.happened, self._rules.rate_memory)),
        )
        settled = connection.execute(
            "INSERT INTO rounds (topic, epoch, round, happened, reference_bps) VALUES (?, ?, ?, ?, ?)",
            (new.topic, new.epoch, new.round, new.happened, reference),
        ).lastrowid
        for oracle, probability in sorted(new.forecasts.items()):
            skill = skill_e8(probability, reference, new.happened)
            connection.execute("INSERT INTO forecasts VALUES (?, ?, ?, ?)", (settled, oracle, probability, skill))
            self._add_to_standing(connection, oracle, new.topic, skill)
        connection.execute(
            "DELETE FROM rounds WHERE id IN (SELECT id FROM rounds WHERE topic = ? "
            "ORDER BY epoch DESC, round DESC LIMIT -1 OFFSET ?)",
            (new.topic, self._rules.kept_rounds),
        )

    def _add_to_standing(self, connection: sqlite3.Connection, oracle: bytes, topic: bytes, skill: int) -> None:
        row = connection.execute(
            "SELECT mean_skill_e8, forecasts FROM standings WHERE oracle = ? AND topic = ?", (oracle, topic)
        ).fetchone()
        mean, forecasts = row or (0, 0)
        connection.execute(
            "INSERT OR REPLACE INTO standings VALUES (?, ?, ?, ?)",
            (oracle, topic, smoothed(mean, skill, self._rules.memory), forecasts + 1),
        )


def _check_repeated(connection: sqlite3.Connection, new: SettledRound, last: tuple[int, int]) -> None:
    name = f"round {new.round} of epoch {new.epoch} of topic {new.topic.hex()}"
    row = connection.execute(
        "SELECT id, happened FROM rounds WHERE topic = ? AND epoch = ? AND round = ?",
        (new.topic, new.epoch, new.round),
    ).fetchone()
    if row is None:
        raise SettledError(
            f"{name} comes after round {last[1]} of epoch {last[0]} was settled: settle rounds in their order"
        )
    known = connection.execute("SELECT oracle, probability_bps FROM forecasts WHERE settled = ?", (row[0],)).fetchall()
    if (bool(row[1]), dict(known)) != (new.happened, dict(new.forecasts)):
        raise SettledError(f"{name} was settled with another outcome or other forecasts: the first stays")
