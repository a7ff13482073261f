"""The review board: who counts, once; what is decided stays; evidence is kept; nothing is told that is not kept."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from noderr.guardian_consensus.concern import Concern
from noderr.guardian_consensus.errors import SubmissionError
from noderr.guardian_consensus.review_outcome import ReviewPolicy, ReviewState
from noderr.guardian_consensus.review_store import ReviewCase
from noderr.guardian_consensus.review_testing import (
    COMMITTEE,
    DOMAIN,
    EPOCH,
    GUARDIANS,
    OUTSIDER,
    SUBMISSION,
    review,
    signed_review,
)
from noderr.guardian_consensus.strategy_review import StrategyReviewBoard
from noderr.types.consensus import AccountSignatures, Reason, RefusedMessage, sign, verify_evidence
from noderr.utils import ManualClock

WEEK_S = 7 * 86_400
DIGEST = SUBMISSION.digest


@asynccontextmanager
async def board(folder: Path, clock: ManualClock, **policy: int) -> AsyncIterator[StrategyReviewBoard]:
    opened = StrategyReviewBoard(folder, DOMAIN, AccountSignatures(), clock, policy=ReviewPolicy(**policy))
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_790_000_000 * 10**9)


@pytest.fixture
async def opened(tmp_path: Path, clock: ManualClock) -> AsyncIterator[StrategyReviewBoard]:
    async with board(tmp_path, clock) as opened:
        await opened.submit(SUBMISSION, COMMITTEE, EPOCH)
        yield opened


async def state(opened: StrategyReviewBoard) -> ReviewState:
    case = await opened.case(DIGEST)
    assert case is not None
    return case.outcome.state


async def told(opened: StrategyReviewBoard) -> list[tuple[str, ReviewState]]:
    found: list[tuple[str, ReviewState]] = []

    async def tell(case: ReviewCase) -> None:
        found.append((case.submission.submission_id, case.outcome.state))

    await opened.announce(tell)
    return found


async def refused(opened: StrategyReviewBoard, signed: Any) -> Reason:
    with pytest.raises(RefusedMessage) as caught:
        await opened.review(signed)
    return caught.value.reason


@pytest.mark.parametrize(
    ("approvals", "end"), [(5, ReviewState.APPROVED), (3, ReviewState.APPROVED), (2, ReviewState.REJECTED)]
)
async def test_the_fifth_review_decides(opened: StrategyReviewBoard, approvals: int, end: ReviewState) -> None:
    for guardian in range(4):
        receipt = await opened.review(signed_review(guardian, approves=guardian < approvals))
        assert receipt.case.outcome.state is ReviewState.PENDING
        assert await told(opened) == []
    receipt = await opened.review(signed_review(4, approves=approvals > 4))
    assert receipt.case.outcome.state is end
    assert (receipt.case.outcome.approvals, receipt.case.outcome.rejections) == (approvals, 5 - approvals)
    assert await told(opened) == [("s-1", end)]
    assert await told(opened) == []


async def test_a_rejection_tells_only_what_two_have_against_it(opened: StrategyReviewBoard) -> None:
    concerns = [Concern.LEVERAGE | Concern.DRAWDOWN, Concern.LEVERAGE, Concern.COMPLIANCE, Concern(0), Concern(0)]
    for guardian, concern in enumerate(concerns):
        receipt = await opened.review(signed_review(guardian, approves=not concern, concerns=int(concern)))
    assert receipt.case.outcome.state is ReviewState.REJECTED
    assert receipt.case.outcome.concerns is Concern.LEVERAGE


async def test_with_too_few_reviews_it_expires_after_seven_days(
    opened: StrategyReviewBoard, clock: ManualClock
) -> None:
    for guardian in range(4):
        await opened.review(signed_review(guardian))
    await clock.advance(WEEK_S - 1)
    await opened.close_due()
    assert await state(opened) is ReviewState.PENDING
    await clock.advance(1)
    await opened.close_due()
    assert await state(opened) is ReviewState.EXPIRED
    assert await told(opened) == [("s-1", ReviewState.EXPIRED)]
    assert await refused(opened, signed_review(4)) is Reason.EXPIRED
    assert await state(opened) is ReviewState.EXPIRED


async def test_who_comes_too_late_finds_it_expired_though_nobody_closed_it(
    opened: StrategyReviewBoard, clock: ManualClock
) -> None:
    await clock.advance(WEEK_S)
    assert await refused(opened, signed_review(0)) is Reason.EXPIRED
    assert await state(opened) is ReviewState.EXPIRED


async def test_a_clock_set_back_reopens_nothing(opened: StrategyReviewBoard, clock: ManualClock) -> None:
    await clock.advance(WEEK_S)
    await opened.close_due()
    clock.set_back(WEEK_S)
    assert await refused(opened, signed_review(0)) is Reason.EXPIRED


async def test_of_a_larger_committee_those_who_spoke_decide_at_the_end(tmp_path: Path, clock: ManualClock) -> None:
    async with board(tmp_path, clock) as opened:
        await opened.submit(SUBMISSION, (*COMMITTEE, b"\x01" * 20, b"\x02" * 20), EPOCH)
        for guardian in range(5):
            await opened.review(signed_review(guardian, approves=guardian < 3))
        assert await state(opened) is ReviewState.PENDING
        await clock.advance(WEEK_S)
        await opened.close_due()
        assert await state(opened) is ReviewState.APPROVED


async def test_the_same_review_again_changes_nothing(opened: StrategyReviewBoard) -> None:
    for _ in range(6):
        receipt = await opened.review(signed_review(0))
        assert receipt.evidence is None
    assert receipt.case.outcome.state is ReviewState.PENDING
    assert receipt.case.outcome.approvals == 1


async def test_two_reviews_of_one_guardian_are_evidence_and_neither_counts(
    opened: StrategyReviewBoard, clock: ManualClock
) -> None:
    await opened.review(signed_review(0))
    receipt = await opened.review(signed_review(0, approves=False))
    assert receipt.evidence is not None
    assert receipt.evidence.offender == COMMITTEE[0]
    verify_evidence(receipt.evidence, DOMAIN, AccountSignatures())
    assert await opened.evidence() == (receipt.evidence,)
    for guardian in range(1, 5):
        receipt = await opened.review(signed_review(guardian))
    assert (receipt.case.outcome.state, receipt.case.outcome.approvals) == (ReviewState.PENDING, 4)
    await clock.advance(WEEK_S)
    await opened.close_due()
    assert await state(opened) is ReviewState.EXPIRED


async def test_a_second_review_after_the_decision_is_still_evidence(opened: StrategyReviewBoard) -> None:
    for guardian in range(5):
        await opened.review(signed_review(guardian))
    receipt = await opened.review(signed_review(2, risk_score=41))
    assert receipt.evidence is not None
    assert receipt.case.outcome.state is ReviewState.APPROVED


async def test_reviews_that_do_not_count(opened: StrategyReviewBoard) -> None:
    assert await refused(opened, signed_review(0, submission=b"\1" * 32)) is Reason.WRONG_SUBJECT
    assert await refused(opened, signed_review(0, epoch=EPOCH + 1)) is Reason.WRONG_EPOCH
    assert await refused(opened, sign(review(), OUTSIDER, DOMAIN)) is Reason.NOT_A_MEMBER
    forged = copy.replace(sign(review(), OUTSIDER, DOMAIN), signer=COMMITTEE[0])
    assert await refused(opened, forged) is Reason.BAD_SIGNATURE
    elsewhere = sign(review(), GUARDIANS[0], copy.replace(DOMAIN, chain_id=1))
    assert await refused(opened, elsewhere) is Reason.BAD_SIGNATURE
    changed = copy.replace(signed_review(0, approves=False), message=review())
    assert await refused(opened, changed) is Reason.BAD_SIGNATURE
    case = await opened.case(DIGEST)
    assert case is not None
    assert (case.outcome.approvals, case.outcome.rejections) == (0, 0)


async def test_handing_in_again_returns_the_case_and_nothing_else_gets_its_id(
    opened: StrategyReviewBoard, clock: ManualClock
) -> None:
    await clock.advance(60)
    case = await opened.submit(SUBMISSION, COMMITTEE, EPOCH)
    assert case.closes_at_s == 1_790_000_000 + WEEK_S
    other = copy.replace(SUBMISSION, code_digest=b"\1" * 32)
    for submission, committee, epoch in [
        (other, COMMITTEE, EPOCH),
        (SUBMISSION, COMMITTEE[::-1], EPOCH),
        (SUBMISSION, COMMITTEE, EPOCH + 1),
    ]:
        with pytest.raises(SubmissionError, match="was handed in already"):
            await opened.submit(submission, committee, epoch)


@pytest.mark.parametrize(
    ("committee", "reason"),
    [
        (COMMITTEE[:4], "4 different members of 4: draw at least 5"),
        ((*COMMITTEE[:4], COMMITTEE[0]), "4 different members of 5"),
        ((*COMMITTEE[:4], SUBMISSION.submitter), "its submitter is on the committee"),
    ],
)
async def test_a_committee_that_may_not_review_is_refused(
    tmp_path: Path, clock: ManualClock, committee: tuple[bytes, ...], reason: str
) -> None:
    async with board(tmp_path, clock) as opened:
        with pytest.raises(SubmissionError, match=reason):
            await opened.submit(SUBMISSION, committee, EPOCH)
        assert await opened.case(DIGEST) is None


async def test_who_cannot_be_told_now_is_told_next_time(opened: StrategyReviewBoard) -> None:
    for guardian in range(5):
        await opened.review(signed_review(guardian))

    async def fail(case: ReviewCase) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await opened.announce(fail)
    assert await told(opened) == [("s-1", ReviewState.APPROVED)]


async def test_everything_is_there_after_a_restart(tmp_path: Path, clock: ManualClock) -> None:
    async with board(tmp_path, clock) as first:
        await first.submit(SUBMISSION, COMMITTEE, 2**64 - 1)
        await first.review(signed_review(0, epoch=2**64 - 1))
        receipt = await first.review(signed_review(0, epoch=2**64 - 1, approves=False))
        before = await first.case(DIGEST)
    async with board(tmp_path, clock) as second:
        assert await second.case(DIGEST) == before
        assert await second.evidence() == (receipt.evidence,)
