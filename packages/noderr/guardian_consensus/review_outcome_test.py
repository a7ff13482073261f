"""Outcomes: sixty per cent in integers, at least five, nothing before its time, no concern of one guardian alone."""

from __future__ import annotations

import copy
import dataclasses
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.guardian_consensus.concern import NO_CONCERN, Concern, describe_concerns, parse_concerns
from noderr.guardian_consensus.errors import CodeError
from noderr.guardian_consensus.review_outcome import ReviewOutcome, ReviewPolicy, ReviewState, decide
from noderr.guardian_consensus.review_testing import SUBMISSION, review
from noderr.guardian_consensus.strategy_review_message import StrategyReview
from noderr.types.consensus.vote import Choice
from noderr.types.trading import FieldError

POLICY = ReviewPolicy()


def reviews(approvals: int, rejections: int) -> list[StrategyReview]:
    return [review() for _ in range(approvals)] + [review(approves=False) for _ in range(rejections)]


def outcome(approvals: int, rejections: int, *, everybody: bool = True, over: bool = False) -> ReviewState:
    found = decide(reviews(approvals, rejections), everybody_spoke=everybody, is_over=over, policy=POLICY)
    assert (found.approvals, found.rejections) == (approvals, rejections)
    return found.state


@pytest.mark.parametrize(
    ("approvals", "rejections", "state"),
    [
        (5, 0, ReviewState.APPROVED),
        (3, 2, ReviewState.APPROVED),
        (2, 3, ReviewState.REJECTED),
        (0, 5, ReviewState.REJECTED),
        (4, 3, ReviewState.REJECTED),
        (5, 3, ReviewState.APPROVED),
    ],
)
def test_sixty_per_cent_of_those_who_reviewed(approvals: int, rejections: int, state: ReviewState) -> None:
    assert outcome(approvals, rejections) is state


# Small committees more often than large ones: that is where the rule has its edges.
COUNTS = st.one_of(st.integers(0, 4), st.integers(0, 200))


@settings(deadline=None)
@given(COUNTS, COUNTS, st.booleans(), st.booleans())
def test_the_rule_for_any_committee(approvals: int, rejections: int, everybody: bool, over: bool) -> None:
    count = approvals + rejections
    state = outcome(approvals, rejections, everybody=everybody, over=over)
    if count < 5:
        assert state is (ReviewState.EXPIRED if over else ReviewState.PENDING)
    elif not everybody and not over:
        assert state is ReviewState.PENDING
    else:
        approved = Fraction(approvals, count) >= Fraction(3, 5)
        assert state is (ReviewState.APPROVED if approved else ReviewState.REJECTED)


@pytest.mark.parametrize(("over", "state"), [(False, ReviewState.PENDING), (True, ReviewState.EXPIRED)])
def test_four_are_too_few_however_they_agree(over: bool, state: ReviewState) -> None:
    assert outcome(4, 0, over=over) is state
    assert outcome(0, 4, over=over) is state


CONCERNS = st.integers(1, sum(Concern))


@settings(deadline=None)
@given(st.lists(CONCERNS, min_size=5, max_size=8))
def test_a_rejection_tells_what_two_or_more_have_against_it(drawn: list[int]) -> None:
    given_reviews = [review(approves=False, concerns=concerns) for concerns in drawn]
    found = decide(given_reviews, everybody_spoke=True, is_over=False, policy=POLICY)
    for concern in Concern:
        assert (concern in found.concerns) == (sum(bool(one & concern) for one in drawn) >= 2)
    assert found == decide(given_reviews[::-1], everybody_spoke=True, is_over=False, policy=POLICY)


def test_an_approval_tells_no_concerns() -> None:
    with_concerns = [review(concerns=int(Concern.LEVERAGE)) for _ in range(5)]
    found = decide(with_concerns, everybody_spoke=True, is_over=False, policy=POLICY)
    assert found == ReviewOutcome(ReviewState.APPROVED, 5, 0, NO_CONCERN)


def test_concerns_have_words_and_unknown_ones_are_refused() -> None:
    assert len({words for concern in Concern for words in describe_concerns(concern)}) == len(Concern)
    with pytest.raises(CodeError, match="has bits 0x1000 that no Concern has"):
        parse_concerns(1 << 12)
    with pytest.raises(CodeError):
        review(concerns=1 << 31)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("choice", Choice.ABSTAIN),
        ("choice", 0),
        ("risk_score", 101),
        ("report", b""),
        ("submission", b"\1" * 31),
        ("epoch", -1),
    ],
)
def test_a_review_that_makes_no_sense_is_refused(field: str, value: Any) -> None:
    with pytest.raises(FieldError, match=rf"StrategyReview\.{field}"):
        review(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"), [("least_reviews", 0), ("approval_percent", 0), ("approval_percent", 101), ("window_s", 0)]
)
def test_a_policy_that_makes_no_sense_is_refused(field: str, value: int) -> None:
    with pytest.raises(FieldError, match=rf"ReviewPolicy\.{field}"):
        copy.replace(POLICY, **{field: value})


def test_a_rejection_says_why() -> None:
    with pytest.raises(FieldError, match="the submitter is told why"):
        review(approves=False, concerns=0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("submission_id", "a b"),
        ("strategy_id", ""),
        ("submitter", b"\1" * 19),
        ("code_digest", b""),
        ("data_digest", b""),
    ],
)
def test_a_submission_that_makes_no_sense_is_refused(field: str, value: object) -> None:
    with pytest.raises(FieldError, match=rf"StrategySubmission\.{field}"):
        copy.replace(SUBMISSION, **{field: value})  # type: ignore[arg-type]


def test_everything_that_was_handed_in_is_in_the_digest() -> None:
    changes: dict[str, object] = {
        "submission_id": "s-2",
        "strategy_id": "other",
        "submitter": b"\x56" * 20,
        "code_digest": b"\1" * 32,
        "data_digest": b"\1" * 32,
        "backtest": copy.replace(SUBMISSION.backtest, trades=121),
        "risk": copy.replace(SUBMISSION.risk, stop_loss_required=False),
    }
    assert set(changes) == {field.name for field in dataclasses.fields(SUBMISSION)}
    others = {copy.replace(SUBMISSION, **{field: value}).digest for field, value in changes.items()}  # type: ignore[arg-type]
    assert len(others | {SUBMISSION.digest}) == len(changes) + 1
