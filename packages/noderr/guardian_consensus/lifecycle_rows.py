"""The rows of the strategies' stages, approvals and transitions; called inside a transaction of the book's store."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import msgspec

from noderr.guardian_consensus.lifecycle import Stage
from noderr.guardian_consensus.promotion_approval import PromotionApproval
from noderr.types.consensus.signed import Signed

MIGRATIONS = (
    """
    CREATE TABLE strategies (
        strategy BLOB PRIMARY KEY,
        stage INTEGER NOT NULL,
        -- How many transitions there were.
        step INTEGER NOT NULL,
        entered_at_ns INTEGER NOT NULL,
        -- JSON: the guardians that may approve, and their epoch.
        committee BLOB NOT NULL
    ) WITHOUT ROWID;
    -- Of the present step and committee only.
    CREATE TABLE approvals (
        strategy BLOB NOT NULL REFERENCES strategies,
        guardian BLOB NOT NULL,
        expires_at_s INTEGER NOT NULL,
        signature BLOB NOT NULL,
        PRIMARY KEY (strategy, guardian)
    ) WITHOUT ROWID;
    CREATE TABLE transitions (
        strategy BLOB NOT NULL REFERENCES strategies,
        step INTEGER NOT NULL,
        before INTEGER NOT NULL,
        after INTEGER NOT NULL,
        reason TEXT NOT NULL,
        at_ns INTEGER NOT NULL,
        PRIMARY KEY (strategy, step)
    ) WITHOUT ROWID;
    """,
)


class Committee(msgspec.Struct, frozen=True):
    """The guardians that may approve a promotion, drawn in this epoch of theirs."""

    epoch: int
    members: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class StrategyStage:
    """Where a strategy is: its stage, after `step` transitions, since `entered_at_ns` (UTC)."""

    stage: Stage
    step: int
    entered_at_ns: int
    committee: Committee


@dataclass(frozen=True, slots=True)
class Transition:
    """From `before` to `after` at `at_ns` (UTC), and why."""

    before: Stage
    after: Stage
    reason: str
    at_ns: int


def insert_strategy(connection: sqlite3.Connection, strategy: bytes, committee: Committee, now_ns: int) -> None:
    """In shadow; one that is known stays as it is."""
    connection.execute(
        "INSERT INTO strategies VALUES (?, ?, 0, ?, ?) ON CONFLICT DO NOTHING",
        (strategy, int(Stage.SHADOW), now_ns, msgspec.json.encode(committee)),
    )


def find_strategy(connection: sqlite3.Connection, strategy: bytes) -> StrategyStage | None:
    row = connection.execute(
        "SELECT stage, step, entered_at_ns, committee FROM strategies WHERE strategy = ?", (strategy,)
    ).fetchone()
    if row is None:
        return None
    stage, step, entered_at_ns, committee = row
    return StrategyStage(Stage(stage), step, entered_at_ns, msgspec.json.decode(committee, type=Committee))


def living_strategies(connection: sqlite3.Connection) -> list[bytes]:
    """Those that are not retired."""
    rows = connection.execute(
        "SELECT strategy FROM strategies WHERE stage <> ? ORDER BY strategy", (int(Stage.RETIRED),)
    ).fetchall()
    return [strategy for (strategy,) in rows]


def replace_committee(connection: sqlite3.Connection, strategy: bytes, committee: Committee) -> None:
    """With the approvals of the one before it."""
    connection.execute("DELETE FROM approvals WHERE strategy = ?", (strategy,))
    connection.execute(
        "UPDATE strategies SET committee = ? WHERE strategy = ?", (msgspec.json.encode(committee), strategy)
    )


def put_approval(connection: sqlite3.Connection, signed: Signed[PromotionApproval]) -> None:
    """Of two of one guardian the one that lasts longer stays."""
    approval = signed.message
    connection.execute(
        "INSERT INTO approvals VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
        "expires_at_s = excluded.expires_at_s, signature = excluded.signature "
        "WHERE excluded.expires_at_s > expires_at_s",
        (approval.strategy, signed.signer, approval.expires_at_s, signed.signature),
    )


def valid_approvals(connection: sqlite3.Connection, strategy: bytes, now_s: int) -> int:
    """How many guardians' approvals have not expired."""
    [count] = connection.execute(
        "SELECT count(*) FROM approvals WHERE strategy = ? AND expires_at_s > ?", (strategy, now_s)
    ).fetchone()
    return int(count)


def put_transition(connection: sqlite3.Connection, strategy: bytes, now: StrategyStage, transition: Transition) -> None:
    """Write it down, and with it that the strategy is in the stage after it."""
    connection.execute(
        "INSERT INTO transitions VALUES (?, ?, ?, ?, ?, ?)",
        (strategy, now.step, int(transition.before), int(transition.after), transition.reason, transition.at_ns),
    )
    connection.execute(
        "UPDATE strategies SET stage = ?, step = ?, entered_at_ns = ? WHERE strategy = ?",
        (int(transition.after), now.step + 1, transition.at_ns, strategy),
    )
    # Whoever approved this step approved none after it.
    connection.execute("DELETE FROM approvals WHERE strategy = ?", (strategy,))


def transitions_of(connection: sqlite3.Connection, strategy: bytes) -> list[Transition]:
    rows = connection.execute(
        "SELECT before, after, reason, at_ns FROM transitions WHERE strategy = ? ORDER BY step", (strategy,)
    ).fetchall()
    return [Transition(Stage(before), Stage(after), reason, at_ns) for before, after, reason, at_ns in rows]
