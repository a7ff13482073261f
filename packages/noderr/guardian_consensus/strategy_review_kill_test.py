"""The review board killed before each statement of its database: what it had told is there, and it goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from noderr.guardian_consensus.review_store import ReviewCase
from noderr.guardian_consensus.review_testing import COMMITTEE, DOMAIN, EPOCH, SUBMISSION, signed_review
from noderr.guardian_consensus.store_testing import killed_before_each_statement
from noderr.guardian_consensus.strategy_review import StrategyReviewBoard
from noderr.types.consensus import AccountSignatures
from noderr.utils import ManualClock


@asynccontextmanager
async def board(folder: Path) -> AsyncIterator[StrategyReviewBoard]:
    opened = StrategyReviewBoard(folder, DOMAIN, AccountSignatures(), ManualClock(1_790_000_000 * 10**9))
    try:
        yield opened
    finally:
        await opened.close()


async def review_all(folder: Path, tell: Callable[[str], object]) -> None:
    """What the killed processes do."""
    async with board(folder) as opened:
        await opened.submit(SUBMISSION, COMMITTEE, EPOCH)
        tell("submitted")
        for guardian in range(5):
            receipt = await opened.review(signed_review(guardian, approves=guardian < 2))
            tell(f"reviewed {receipt.case.outcome.approvals + receipt.case.outcome.rejections}")

        async def outcome(case: ReviewCase) -> None:
            tell(f"outcome {case.outcome.state.value}")

        await opened.announce(outcome)
        tell("announced")


async def test_a_kill_before_any_statement_loses_nothing_that_was_told(tmp_path: Path) -> None:
    runs = killed_before_each_statement(tmp_path, __name__, "review_all")
    assert len(runs) > 50
    whole = ("submitted", *(f"reviewed {n}" for n in range(1, 6)), "outcome rejected", "announced")
    assert runs[-1].told == whole
    assert {run.told for run in runs} == {whole[:count] for count in range(len(whole) + 1)}
    for run in runs:
        async with board(run.folder) as opened:
            case = await opened.case(SUBMISSION.digest)
            assert (case is not None) or run.told == ()
            if case is not None:
                reviews = case.outcome.approvals + case.outcome.rejections
                assert reviews >= sum(text.startswith("reviewed") for text in run.told)
        again: list[str] = []
        await review_all(run.folder, again.append)
        outcomes = [text for text in (*run.told, *again) if text.startswith("outcome")]
        # At least once; again only where it was killed between telling and writing down that it had told.
        assert outcomes in (["outcome rejected"], ["outcome rejected"] * 2)
        assert outcomes == ["outcome rejected"] or run.told[-1] == "outcome rejected"
