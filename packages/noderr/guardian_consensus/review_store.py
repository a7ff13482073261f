"""The review board's rows: submissions with their committees and outcomes, and what guardians signed about them.

These are called inside a transaction of the board's `SqliteStore`.
"""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from noderr.guardian_consensus.concern import parse_concerns
from noderr.guardian_consensus.review_outcome import NOT_DECIDED, ReviewOutcome, ReviewState
from noderr.guardian_consensus.strategy_review_message import StrategyReview
from noderr.guardian_consensus.strategy_submission import StrategySubmission
from noderr.types.consensus.evidence import Evidence
from noderr.types.consensus.signed import Signed

MIGRATIONS = (
    """
    CREATE TABLE cases (
        submission BLOB PRIMARY KEY,
        submission_id TEXT NOT NULL UNIQUE,
        -- JSON: a `ReviewCase` without its outcome.
        body BLOB NOT NULL,
        closes_at_s INTEGER NOT NULL,
        state TEXT NOT NULL,
        approvals INTEGER NOT NULL,
        rejections INTEGER NOT NULL,
        concerns INTEGER NOT NULL,
        -- 1 once the outcome was told to who asked for it.
        told INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE reviews (
        submission BLOB NOT NULL REFERENCES cases,
        reviewer BLOB NOT NULL,
        body BLOB NOT NULL,
        signature BLOB NOT NULL,
        -- Another review that the same guardian signed: neither counts.
        second_body BLOB,
        second_signature BLOB,
        PRIMARY KEY (submission, reviewer)
    ) WITHOUT ROWID;
    """,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewCase:
    """One submission: who reviews it, until when (Unix seconds), and what came of it so far."""

    submission: StrategySubmission
    epoch: int
    committee: tuple[bytes, ...]
    opened_at_s: int
    closes_at_s: int
    outcome: ReviewOutcome = NOT_DECIDED


class _Body(msgspec.Struct, frozen=True):
    submission: StrategySubmission
    epoch: int
    committee: tuple[bytes, ...]
    opened_at_s: int


def insert_case(connection: sqlite3.Connection, case: ReviewCase) -> None:
    body = msgspec.json.encode(_Body(case.submission, case.epoch, case.committee, case.opened_at_s))
    connection.execute(
        "INSERT INTO cases VALUES (?, ?, ?, ?, ?, 0, 0, 0, 0)",
        (case.submission.digest, case.submission.submission_id, body, case.closes_at_s, case.outcome.state.value),
    )


def find_case(connection: sqlite3.Connection, submission: bytes) -> ReviewCase | None:
    return next(iter(_cases(connection, "submission = ?", submission)), None)


def find_case_by_id(connection: sqlite3.Connection, submission_id: str) -> ReviewCase | None:
    return next(iter(_cases(connection, "submission_id = ?", submission_id)), None)


def cases_due(connection: sqlite3.Connection, now_s: int) -> list[ReviewCase]:
    """Those that are pending and whose window is over."""
    return _cases(connection, "state = ? AND closes_at_s <= ?", ReviewState.PENDING.value, now_s)


def cases_untold(connection: sqlite3.Connection) -> list[ReviewCase]:
    """Those that are decided and of which nobody was told."""
    return _cases(connection, "state <> ? AND told = 0", ReviewState.PENDING.value)


def mark_told(connection: sqlite3.Connection, submission: bytes) -> None:
    connection.execute("UPDATE cases SET told = 1 WHERE submission = ?", (submission,))


def set_outcome(connection: sqlite3.Connection, submission: bytes, outcome: ReviewOutcome) -> None:
    connection.execute(
        "UPDATE cases SET state = ?, approvals = ?, rejections = ?, concerns = ? WHERE submission = ?",
        (outcome.state.value, outcome.approvals, outcome.rejections, int(outcome.concerns), submission),
    )


def insert_review(connection: sqlite3.Connection, signed: Signed[StrategyReview]) -> None:
    connection.execute(
        "INSERT INTO reviews VALUES (?, ?, ?, ?, NULL, NULL)",
        (signed.message.submission, signed.signer, _encode(signed.message), signed.signature),
    )


def add_second(connection: sqlite3.Connection, signed: Signed[StrategyReview]) -> None:
    """Keep the other review of who signed two. One is enough to prove it: the first that came stays."""
    connection.execute(
        "UPDATE reviews SET second_body = ?, second_signature = ? "
        "WHERE submission = ? AND reviewer = ? AND second_body IS NULL",
        (_encode(signed.message), signed.signature, signed.message.submission, signed.signer),
    )


def reviews_of(
    connection: sqlite3.Connection, submission: bytes
) -> Mapping[bytes, Signed[StrategyReview] | Evidence[StrategyReview]]:
    """What each guardian signed: a review, or the evidence that it signed two."""
    rows = connection.execute(
        "SELECT reviewer, body, signature, second_body, second_signature FROM reviews WHERE submission = ?",
        (submission,),
    ).fetchall()
    found: dict[bytes, Signed[StrategyReview] | Evidence[StrategyReview]] = {}
    for reviewer, body, signature, second_body, second_signature in rows:
        first = Signed(_decode(body), reviewer, signature)
        if second_body is None:
            found[reviewer] = first
        else:
            found[reviewer] = Evidence(first, Signed(_decode(second_body), reviewer, second_signature))
    return found


def submissions_with_evidence(connection: sqlite3.Connection) -> list[bytes]:
    rows = connection.execute("SELECT DISTINCT submission FROM reviews WHERE second_body IS NOT NULL").fetchall()
    return [submission for (submission,) in rows]


def _cases(connection: sqlite3.Connection, where: str, *values: object) -> list[ReviewCase]:
    rows = connection.execute(
        "SELECT body, closes_at_s, state, approvals, rejections, concerns "  # noqa: S608  (`where` is one of ours)
        f"FROM cases WHERE {where} ORDER BY closes_at_s, submission",
        values,
    ).fetchall()
    return [_case(*row) for row in rows]


def _case(body: bytes, closes_at_s: int, state: str, *counted: int) -> ReviewCase:
    kept = msgspec.json.decode(body, type=_Body)
    approvals, rejections, concerns = counted
    return ReviewCase(
        submission=kept.submission,
        epoch=kept.epoch,
        committee=kept.committee,
        opened_at_s=kept.opened_at_s,
        closes_at_s=closes_at_s,
        outcome=ReviewOutcome(ReviewState(state), approvals, rejections, parse_concerns(concerns)),
    )


def _encode(review: StrategyReview) -> bytes:
    return msgspec.json.encode({field.name: getattr(review, field.name) for field in dataclasses.fields(review)})


def _decode(body: bytes) -> StrategyReview:
    return msgspec.json.decode(body, type=StrategyReview)
