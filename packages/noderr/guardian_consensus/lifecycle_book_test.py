"""The book of lifecycles: approvals that count, transitions with their reasons, through restarts and kills."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from noderr.guardian_consensus.errors import LifecycleError
from noderr.guardian_consensus.lifecycle import Insufficient, Move, Stage
from noderr.guardian_consensus.lifecycle_book import LifecycleBook
from noderr.guardian_consensus.lifecycle_rows import Committee, Transition
from noderr.guardian_consensus.lifecycle_testing import (
    START_S,
    STRATEGY,
    THREE,
    WEEK_S,
    approval,
    clock_at_start,
    figures,
    opened_book,
)
from noderr.guardian_consensus.review_testing import DOMAIN, EPOCH, GUARDIANS
from noderr.guardian_consensus.store_testing import killed_before_each_statement
from noderr.types.consensus import AccountSignatures, Evidence, Reason, RefusedMessage, verify_evidence
from noderr.types.trading import FieldError
from noderr.utils import ManualClock

DRAWN_DOWN = Decimal("0.2")


@pytest.fixture
def clock() -> ManualClock:
    return clock_at_start()


@pytest.fixture
async def book(tmp_path: Path, clock: ManualClock) -> AsyncIterator[LifecycleBook]:
    async with opened_book(tmp_path, clock) as book:
        await book.enter(STRATEGY, THREE)
        yield book


async def stage(book: LifecycleBook) -> Stage:
    return (await book.stage(STRATEGY)).stage


async def refused(book: LifecycleBook, signed: Any) -> Reason:
    with pytest.raises(RefusedMessage) as caught:
        await book.approve(signed)
    return caught.value.reason


async def test_two_of_three_and_figures_take_it_from_shadow_to_full(book: LifecycleBook, clock: ManualClock) -> None:
    assert (await book.observe(STRATEGY, figures(clock))).move is Move.AWAIT_APPROVAL
    await book.approve(approval(0))
    assert (await book.observe(STRATEGY, figures(clock))).move is Move.AWAIT_APPROVAL
    await book.approve(approval(2))
    assert (await book.observe(STRATEGY, figures(clock))).move is Move.PROMOTE
    assert await stage(book) is Stage.LIMITED_LIVE
    for guardian in (0, 1):
        await book.approve(approval(guardian, step=1, stage=Stage.FULL_LIVE))
    await clock.advance(1)
    assert (await book.observe(STRATEGY, figures(clock))).move is Move.PROMOTE
    assert await book.transitions(STRATEGY) == [
        Transition(Stage.SHADOW, Stage.LIMITED_LIVE, "promote: 2 of 2 approvals", START_S * 10**9),
        Transition(Stage.LIMITED_LIVE, Stage.FULL_LIVE, "promote: 2 of 2 approvals", (START_S + 1) * 10**9),
    ]


async def test_one_guardian_three_times_is_one_approval(book: LifecycleBook, clock: ManualClock) -> None:
    for later in range(3):
        await book.approve(approval(0, expires_at_s=START_S + WEEK_S - later))
    assert (await book.observe(STRATEGY, figures(clock))).reasons == ("1 of 2 approvals",)


async def test_an_approval_is_valid_for_seven_days_at_most(book: LifecycleBook, clock: ManualClock) -> None:
    assert await refused(book, approval(0, expires_at_s=START_S + WEEK_S + 1)) is Reason.FUTURE
    assert await refused(book, approval(0, expires_at_s=START_S)) is Reason.EXPIRED
    await book.approve(approval(0))
    await clock.advance(WEEK_S - 1)
    await book.approve(approval(1, expires_at_s=START_S + 2 * WEEK_S - 1))
    await clock.advance(1)
    assert (await book.observe(STRATEGY, figures(clock))).reasons == ("1 of 2 approvals",)
    await book.approve(approval(0, expires_at_s=START_S + 2 * WEEK_S))
    assert (await book.observe(STRATEGY, figures(clock))).move is Move.PROMOTE


async def test_what_was_approved_before_a_demotion_is_worth_nothing_after(
    book: LifecycleBook, clock: ManualClock
) -> None:
    for guardian in (0, 1):
        await book.approve(approval(guardian))
    await book.observe(STRATEGY, figures(clock))
    judgement = await book.observe(STRATEGY, figures(clock, drawdown=DRAWN_DOWN))
    assert (judgement.move, await stage(book)) == (Move.DEMOTE, Stage.SHADOW)
    # Sent again by somebody who kept them: they are for step 0, and the strategy is at step 2.
    for guardian in (0, 1, 2):
        assert await refused(book, approval(guardian)) is Reason.WRONG_SUBJECT
    assert (await book.observe(STRATEGY, figures(clock))).reasons == ("0 of 2 approvals",)


async def test_what_earned_a_stage_does_not_earn_the_next(book: LifecycleBook, clock: ManualClock) -> None:
    since_ns = clock.now_ns()
    await clock.advance(10)
    for guardian in (0, 1):
        await book.approve(approval(guardian))
    await book.observe(STRATEGY, figures(clock))
    for guardian in (0, 1):
        await book.approve(approval(guardian, step=1, stage=Stage.FULL_LIVE))
    judgement = await book.observe(STRATEGY, figures(clock, since_ns=since_ns))
    assert (judgement.move, judgement.reasons) == (Move.KEEP, ("its figures begin before it entered this stage",))


async def test_approvals_that_do_not_count(book: LifecycleBook) -> None:
    assert await refused(book, approval(3)) is Reason.NOT_A_MEMBER
    assert await refused(book, approval(0, epoch=EPOCH + 1)) is Reason.WRONG_EPOCH
    assert await refused(book, approval(0, strategy=b"\1" * 32)) is Reason.WRONG_SUBJECT
    assert await refused(book, approval(0, stage=Stage.FULL_LIVE)) is Reason.WRONG_SUBJECT
    assert await refused(book, approval(0, step=1)) is Reason.WRONG_SUBJECT
    forged = copy.replace(approval(3), signer=GUARDIANS[0].address)
    assert await refused(book, forged) is Reason.BAD_SIGNATURE


async def test_other_guardians_start_from_no_approval(book: LifecycleBook, clock: ManualClock) -> None:
    for guardian in (0, 1):
        await book.approve(approval(guardian))
    await book.set_committee(STRATEGY, THREE)
    await book.set_committee(STRATEGY, Committee(EPOCH + 1, THREE.members))
    assert (await book.observe(STRATEGY, figures(clock))).reasons == ("0 of 2 approvals",)
    assert await refused(book, approval(0)) is Reason.WRONG_EPOCH


async def test_a_retired_strategy_stays_retired(book: LifecycleBook, clock: ManualClock) -> None:
    for guardian in (0, 1):
        await book.approve(approval(guardian))
    await book.retire(STRATEGY, "its author withdrew it")
    await book.retire(STRATEGY, "again")
    assert (await book.observe(STRATEGY, figures(clock))).move is Move.KEEP
    assert await refused(book, approval(0, step=1)) is Reason.WRONG_SUBJECT
    assert (await book.enter(STRATEGY, THREE)).stage is Stage.RETIRED
    assert await book.living() == []
    assert [(one.after, one.reason) for one in await book.transitions(STRATEGY)] == [
        (Stage.RETIRED, "its author withdrew it")
    ]


async def test_no_figures_move_nothing(book: LifecycleBook) -> None:
    for guardian in range(3):
        await book.approve(approval(guardian))
    judgement = await book.observe(STRATEGY, Insufficient("nobody measured it"))
    assert (judgement.move, await stage(book)) == (Move.INSUFFICIENT, Stage.SHADOW)
    assert await book.transitions(STRATEGY) == []


@pytest.mark.parametrize(
    ("committee", "reason"),
    [(THREE.members[:2], "2 different members of 2: draw 3"), (THREE.members[:2] * 2, "2 different members of 4")],
)
async def test_a_committee_of_another_size_is_refused(
    book: LifecycleBook, committee: tuple[bytes, ...], reason: str
) -> None:
    with pytest.raises(LifecycleError, match=reason):
        await book.enter(b"\x22" * 32, Committee(EPOCH, committee))
    with pytest.raises(LifecycleError, match=reason):
        await book.set_committee(STRATEGY, Committee(EPOCH, committee))


async def test_what_is_not_here_is_an_error(book: LifecycleBook, clock: ManualClock) -> None:
    unknown = b"\x22" * 32
    for call in (book.stage(unknown), book.observe(unknown, figures(clock)), book.retire(unknown, "x")):
        with pytest.raises(LifecycleError, match="let it enter first"):
            await call
    with pytest.raises(LifecycleError, match="32 bytes"):
        await book.enter(b"short", THREE)
    with pytest.raises(LifecycleError, match="say why"):
        await book.retire(STRATEGY, "")


def test_approving_again_for_longer_is_evidence_of_nothing() -> None:
    longer = approval(0, expires_at_s=START_S + 2 * WEEK_S)
    with pytest.raises(RefusedMessage) as caught:
        verify_evidence(Evidence(approval(0), longer), DOMAIN, AccountSignatures())
    assert caught.value.reason is Reason.UNPROVEN


@pytest.mark.parametrize(
    ("field", "value"), [("stage", Stage.SHADOW), ("stage", Stage.RETIRED), ("step", -1), ("strategy", b"")]
)
def test_an_approval_that_makes_no_sense_is_refused(field: str, value: Any) -> None:
    with pytest.raises(FieldError, match=rf"PromotionApproval\.{field}"):
        approval(0, **{field: value})


async def live(folder: Path, tell: Callable[[str], object]) -> None:
    """What the killed processes do: up, down, and retired."""
    clock = clock_at_start()
    async with opened_book(folder, clock) as book:
        tell((await book.enter(STRATEGY, THREE)).stage.name)
        for guardian in (0, 1):
            await book.approve(approval(guardian))
        for changes in ({}, {"drawdown": DRAWN_DOWN}):
            await book.observe(STRATEGY, figures(clock, **changes))
            tell((await book.stage(STRATEGY)).stage.name)
        await book.retire(STRATEGY, "the end")
        tell((await book.stage(STRATEGY)).stage.name)


async def test_a_kill_before_any_statement_loses_no_stage_that_was_told(tmp_path: Path, clock: ManualClock) -> None:
    runs = killed_before_each_statement(tmp_path, __name__, "live")
    whole = ("SHADOW", "LIMITED_LIVE", "SHADOW", "RETIRED")
    assert runs[-1].told == whole
    assert {run.told for run in runs} == {whole[:count] for count in range(len(whole) + 1)}
    for run in runs:
        async with opened_book(run.folder, clock) as book:
            await book.enter(STRATEGY, THREE)
            path = await book.transitions(STRATEGY)
            now = await book.stage(STRATEGY)
        # The transitions are a way from the beginning to where it is, as far as was told or one further.
        stages = ["SHADOW", *(one.after.name for one in path)]
        assert stages == list(whole[: len(stages)])
        assert [one.before.name for one in path] == stages[:-1]
        assert (now.stage.name, now.step) == (stages[-1], len(path))
        assert len(run.told) <= len(stages) <= len(run.told) + 1
