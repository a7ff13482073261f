"""Assigns strategies to vaults by their risk, each once, through kills and contracts that do not answer.

What is about to be said is on the disk before the contract is told. After a kill the contract is asked first whether it
has been told: it is told again only if it has not.
"""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from noderr.oracle_consensus.errors import AssignmentConflictError, ContractError
from noderr.oracle_consensus.strategy_risk import StrategyProfile, StrategyType, strategy_risk
from noderr.types.trading.checks import check_bytes, check_integer
from noderr.utils import SqliteStore

FILE_NAME = "strategies.sqlite3"

_MIGRATIONS = (
    """
    CREATE TABLE assignments (
        strategy BLOB PRIMARY KEY,
        risk INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        -- 0 until the contract is known to have it.
        confirmed INTEGER NOT NULL
    ) WITHOUT ROWID;
    """,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What the contract is told: `strategy` is its id, 32 bytes; `risk` 0 to 100."""

    strategy: bytes
    risk: int
    kind: StrategyType

    def __post_init__(self) -> None:
        check_bytes(self, "strategy", self.strategy, 32)
        check_integer(self, "risk", self.risk, 0, 100)
        check_integer(self, "kind", self.kind, min(StrategyType), max(StrategyType))


class AssignmentContract(Protocol):
    """The contract that assigns, on the chain. Both raise `ContractError`."""

    async def assigned(self, strategy: bytes) -> Assignment | None:
        """What it has for this strategy, whoever told it."""

    async def assign(self, assignment: Assignment) -> None:
        """Tell it, and return once it has it for good."""


class StrategyAssigner:
    """Keeps its state in `folder`. Its calls, and opening, raise `noderr.utils` errors (`StoreError`) too."""

    def __init__(self, folder: Path, contract: AssignmentContract) -> None:
        self._store = SqliteStore(folder / FILE_NAME, _MIGRATIONS)
        self._contract = contract
        # Two at once for one strategy would both ask before either tells.
        self._telling = asyncio.Lock()

    async def assign(self, strategy: bytes, profile: StrategyProfile) -> Assignment:
        """Assign a strategy that went live; again, it does nothing more. Returns what the contract has.

        Raises `AssignmentConflictError` when it was assigned with another risk or type, here or by somebody else, and
        `ContractError` when the contract was not told for now: `resume` tells it later.
        """
        wanted = Assignment(strategy=strategy, risk=strategy_risk(profile).score, kind=profile.kind)
        async with self._telling:
            known, confirmed = await self._store.run(lambda connection: _intend(connection, wanted))
            if known != wanted:
                raise _conflict(known, wanted)
            if not confirmed:
                await self._tell(wanted)
        return wanted

    async def resume(self) -> list[Assignment]:
        """Tell the contract what it was not told yet, and return what it has now. One failure does not stop the others.

        Raises an `ExceptionGroup` of `ContractError` and `AssignmentConflictError` after all were tried.
        """
        told, failures = [], []
        async with self._telling:
            for assignment in await self._store.run(_unconfirmed):
                try:
                    await self._tell(assignment)
                    told.append(assignment)
                except (ContractError, AssignmentConflictError) as error:
                    failures.append(error)
        if failures:
            raise ExceptionGroup("the contract could not be told of every strategy", failures)
        return told

    async def unconfirmed(self) -> list[Assignment]:
        """What the contract is not known to have."""
        return await self._store.run(_unconfirmed)

    async def close(self) -> None:
        await self._store.close()

    async def _tell(self, wanted: Assignment) -> None:
        found = await self._contract.assigned(wanted.strategy)
        if found is None:
            await self._contract.assign(wanted)
        elif found != wanted:
            raise _conflict(found, wanted)
        await self._store.run(lambda connection: _confirm(connection, wanted.strategy))


def _conflict(known: Assignment, wanted: Assignment) -> AssignmentConflictError:
    return AssignmentConflictError(
        f"strategy {wanted.strategy.hex()} is assigned with risk {known.risk} as {StrategyType(known.kind).name}, and "
        f"not with risk {wanted.risk} as {wanted.kind.name}: a strategy is assigned once; register a new one"
    )


def _intend(connection: sqlite3.Connection, wanted: Assignment) -> tuple[Assignment, bool]:
    connection.execute(
        "INSERT INTO assignments VALUES (?, ?, ?, 0) ON CONFLICT DO NOTHING",
        (wanted.strategy, wanted.risk, int(wanted.kind)),
    )
    row = connection.execute(
        "SELECT strategy, risk, kind, confirmed FROM assignments WHERE strategy = ?", (wanted.strategy,)
    ).fetchone()
    return _assignment(row), bool(row[3])


def _unconfirmed(connection: sqlite3.Connection) -> list[Assignment]:
    rows = connection.execute("SELECT strategy, risk, kind FROM assignments WHERE confirmed = 0 ORDER BY strategy")
    return [_assignment(row) for row in rows.fetchall()]


def _assignment(row: tuple[bytes, int, int]) -> Assignment:
    strategy, risk, kind, *_ = row
    return Assignment(strategy=strategy, risk=risk, kind=StrategyType(kind))


def _confirm(connection: sqlite3.Connection, strategy: bytes) -> None:
    connection.execute("UPDATE assignments SET confirmed = 1 WHERE strategy = ?", (strategy,))
