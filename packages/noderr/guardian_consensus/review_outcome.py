"""What reviews come to. Pure: the same reviews at the same time give the same outcome, in whatever order they came."""

from __future__ import annotations

import enum
from collections.abc import Collection
from dataclasses import dataclass

from noderr.guardian_consensus.concern import NO_CONCERN, Concern
from noderr.guardian_consensus.strategy_review_message import StrategyReview
from noderr.types.consensus.vote import Choice
from noderr.types.consensus.weights import MAX_VOTERS
from noderr.types.trading.checks import check_integer

_DAY_S = 86_400


class ReviewState(enum.Enum):
    """PENDING becomes one of the others, and these stay."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class ReviewPolicy:
    """`approval_percent` of the reviews must approve, exactly or more; `window_s` seconds are given to review.

    Of concerns, those are told that at least `concern_reviewers` have.
    """

    least_reviews: int = 5
    approval_percent: int = 60
    window_s: int = 7 * _DAY_S
    concern_reviewers: int = 2

    def __post_init__(self) -> None:
        check_integer(self, "least_reviews", self.least_reviews, 1, MAX_VOTERS)
        check_integer(self, "approval_percent", self.approval_percent, 1, 100)
        check_integer(self, "window_s", self.window_s, 1, 365 * _DAY_S)
        check_integer(self, "concern_reviewers", self.concern_reviewers, 1, MAX_VOTERS)


@dataclass(frozen=True, slots=True)
class ReviewOutcome:
    """`concerns` are told of a rejection, and only those that several have: one guardian's whim is not the board's."""

    state: ReviewState
    approvals: int = 0
    rejections: int = 0
    concerns: Concern = NO_CONCERN


NOT_DECIDED = ReviewOutcome(ReviewState.PENDING)


def decide(
    reviews: Collection[StrategyReview], *, everybody_spoke: bool, is_over: bool, policy: ReviewPolicy
) -> ReviewOutcome:
    """Decided is when everybody on the committee spoke, or the window is over; with too few reviews it expires then.

    Not earlier: the first to come would decide, and who is first differs from board to board.
    """
    approvals = sum(review.choice == Choice.APPROVE for review in reviews)
    rejections = len(reviews) - approvals
    if len(reviews) < policy.least_reviews:
        return ReviewOutcome(ReviewState.EXPIRED if is_over else ReviewState.PENDING, approvals, rejections)
    if not (everybody_spoke or is_over):
        return ReviewOutcome(ReviewState.PENDING, approvals, rejections)
    if 100 * approvals >= policy.approval_percent * len(reviews):
        return ReviewOutcome(ReviewState.APPROVED, approvals, rejections)
    return ReviewOutcome(ReviewState.REJECTED, approvals, rejections, _common(reviews, policy.concern_reviewers))


def _common(reviews: Collection[StrategyReview], least: int) -> Concern:
    common = NO_CONCERN
    for concern in Concern:
        if sum(bool(review.concerns & concern) for review in reviews) >= least:
            common |= concern
    return common
