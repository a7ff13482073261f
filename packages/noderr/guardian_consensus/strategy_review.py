"""The review board: a committee of guardians judges a strategy that was handed in.

Everything is on the disk before anyone is told. After a kill the board goes on with what it had told; a review that is
sent again changes nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from noderr.guardian_consensus import review_store
from noderr.guardian_consensus.errors import ReviewError, SubmissionError
from noderr.guardian_consensus.review_outcome import ReviewPolicy, ReviewState, decide
from noderr.guardian_consensus.review_store import ReviewCase
from noderr.guardian_consensus.strategy_review_message import StrategyReview
from noderr.guardian_consensus.strategy_submission import StrategySubmission
from noderr.types.consensus.errors import Reason, RefusedMessage
from noderr.types.consensus.evidence import Evidence
from noderr.types.consensus.signed import Signatures, Signed, check_signature
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import checksum_address
from noderr.utils import Clock, SqliteStore

FILE_NAME = "strategy-reviews.sqlite3"

_log = structlog.get_logger("noderr.guardian_consensus.strategy_review")
_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of a review: the case as it is now, and `evidence` when the guardian had signed another one."""

    case: ReviewCase
    evidence: Evidence[StrategyReview] | None = None


class StrategyReviewBoard:
    """Keeps its state in `folder`. Its calls, and opening, raise `noderr.utils` errors (`StoreError`) too."""

    def __init__(
        self,
        folder: Path,
        domain: Domain,
        signatures: Signatures,
        clock: Clock,
        *,
        policy: ReviewPolicy | None = None,
    ) -> None:
        self._store = SqliteStore(folder / FILE_NAME, review_store.MIGRATIONS)
        self._domain = domain
        self._signatures = signatures
        self._clock = clock
        self._policy = policy or ReviewPolicy()

    async def submit(self, submission: StrategySubmission, committee: Sequence[bytes], epoch: int) -> ReviewCase:
        """Open the review by these guardians, drawn in this epoch of theirs. The same again returns the case.

        Raises `SubmissionError` for a committee that is too small or has the submitter on it, and for an id that stands
        for something else.
        """
        self._check_committee(submission, committee)
        now_s = self._now_s()
        case = ReviewCase(
            submission=submission,
            epoch=epoch,
            committee=tuple(committee),
            opened_at_s=now_s,
            closes_at_s=now_s + self._policy.window_s,
        )
        return await self._store.run(lambda connection: _open(connection, case))

    async def review(self, signed: Signed[StrategyReview]) -> Receipt:
        """Take a guardian's review. The same again changes nothing; another one voids both and is returned as evidence.

        Raises `RefusedMessage` for what does not count.
        """
        message = signed.message
        case = await self.case(message.submission)
        if case is None:
            raise RefusedMessage(Reason.WRONG_SUBJECT, f"nothing with the digest {message.submission.hex()} is here")
        if message.epoch != case.epoch:
            raise RefusedMessage(Reason.WRONG_EPOCH, f"its committee is of epoch {case.epoch}, not {message.epoch}")
        if signed.signer not in case.committee:
            raise RefusedMessage(Reason.NOT_A_MEMBER, f"{checksum_address(signed.signer)} is not on the committee")
        check_signature(signed, self._domain, self._signatures)
        now_s = self._now_s()
        receipt = await self._store.run(lambda connection: self._take(connection, signed, now_s))
        if receipt is None:
            raise RefusedMessage(Reason.EXPIRED, f"{case.submission.submission_id} was decided, or its window is over")
        if receipt.evidence is not None:
            _log.error("review_equivocation", guardian=signed.signer.hex(), submission=message.submission.hex())
        return receipt

    async def case(self, submission: bytes) -> ReviewCase | None:
        """What is known of the submission with this digest."""
        return await self._store.run(lambda connection: review_store.find_case(connection, submission))

    async def close_due(self) -> None:
        """Decide what has enough reviews, and let expire what has not, where the window is over. Call it often."""
        now_s = self._now_s()

        def work(connection: sqlite3.Connection) -> None:
            for case in review_store.cases_due(connection, now_s):
                self._settle(connection, case, now_s)

        await self._store.run(work)

    async def announce(self, tell: Callable[[ReviewCase], Awaitable[None]]) -> None:
        """Tell of each case that was decided and not told of: at least once, and exactly once if nothing is killed.

        What `tell` raises is passed on; its case, and those after it, are told of next time.
        """
        for case in await self._store.run(review_store.cases_untold):
            await tell(case)
            await self._store.run(partial(review_store.mark_told, submission=case.submission.digest))

    async def evidence(self) -> tuple[Evidence[StrategyReview], ...]:
        """All that was ever found: who signed two reviews of one submission."""

        def work(connection: sqlite3.Connection) -> tuple[Evidence[StrategyReview], ...]:
            found = [
                said
                for submission in review_store.submissions_with_evidence(connection)
                for said in review_store.reviews_of(connection, submission).values()
            ]
            return tuple(said for said in found if isinstance(said, Evidence))

        return await self._store.run(work)

    async def close(self) -> None:
        await self._store.close()

    def _now_s(self) -> int:
        return self._clock.now_ns() // _SECOND_NS

    def _check_committee(self, submission: StrategySubmission, committee: Sequence[bytes]) -> None:
        if len(set(committee)) != len(committee) or len(committee) < self._policy.least_reviews:
            raise SubmissionError(
                f"{submission.submission_id}: the committee has {len(set(committee))} different members of "
                f"{len(committee)}: draw at least {self._policy.least_reviews}, each once"
            )
        if submission.submitter in committee:
            raise SubmissionError(f"{submission.submission_id}: its submitter is on the committee: draw without it")

    def _take(self, connection: sqlite3.Connection, signed: Signed[StrategyReview], now_s: int) -> Receipt | None:
        """None when it comes too late. It returns that instead of raising: what was settled by then must be kept."""
        digest = signed.message.submission
        case = self._settle(connection, _known(connection, digest), now_s)
        said = review_store.reviews_of(connection, digest).get(signed.signer)
        if said is None:
            if case.outcome.state is not ReviewState.PENDING:
                return None
            review_store.insert_review(connection, signed)
            return Receipt(self._settle(connection, case, now_s))
        first = said.first if isinstance(said, Evidence) else said
        if first.message == signed.message:
            return Receipt(case)
        # Also after the decision: it proves as much then.
        review_store.add_second(connection, signed)
        return Receipt(self._settle(connection, case, now_s), Evidence(first, signed))

    def _settle(self, connection: sqlite3.Connection, case: ReviewCase, now_s: int) -> ReviewCase:
        """Write down what its reviews come to by now; what was decided stays."""
        if case.outcome.state is not ReviewState.PENDING:
            return case
        digest = case.submission.digest
        said = review_store.reviews_of(connection, digest)
        counted = [one.message for one in said.values() if isinstance(one, Signed)]
        outcome = decide(
            counted,
            everybody_spoke=len(said) == len(case.committee),
            is_over=now_s >= case.closes_at_s,
            policy=self._policy,
        )
        if outcome != case.outcome:
            review_store.set_outcome(connection, digest, outcome)
        return _known(connection, digest)


def _open(connection: sqlite3.Connection, case: ReviewCase) -> ReviewCase:
    known = review_store.find_case_by_id(connection, case.submission.submission_id)
    if known is None:
        review_store.insert_case(connection, case)
        return case
    if (known.submission, known.committee, known.epoch) != (case.submission, case.committee, case.epoch):
        raise SubmissionError(
            f"{case.submission.submission_id} was handed in already, with other content or another committee: "
            f"hand in what has changed under an id of its own"
        )
    return known


def _known(connection: sqlite3.Connection, submission: bytes) -> ReviewCase:
    case = review_store.find_case(connection, submission)
    if case is None:
        raise ReviewError(f"nothing with the digest {submission.hex()} was handed in")
    return case
