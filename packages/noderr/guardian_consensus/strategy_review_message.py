"""What a guardian signs about a strategy that was handed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from noderr.guardian_consensus.concern import parse_concerns
from noderr.types.consensus.signed import TypedMessage
from noderr.types.consensus.vote import MAX_U64, Choice
from noderr.types.eip712 import StructType, parse_struct_type
from noderr.types.tier_numbers import GUARDIAN_TIER
from noderr.types.trading.checks import check_bytes, check_integer
from noderr.types.trading.errors import FieldError

STRATEGY_REVIEW_TYPE = parse_struct_type(
    "StrategyReview(uint64 epoch,bytes32 submission,uint8 choice,uint8 riskScore,uint32 concerns,bytes32 report)"
)


@dataclass(frozen=True, kw_only=True)
class StrategyReview(TypedMessage):
    """`submission` is the digest of what was handed in, `epoch` the guardians' in which the committee was drawn.

    `choice` is APPROVE or REJECT: who cannot tell does not review. `risk_score` is 0 (none) to 100, `concerns` are bits
    of `Concern`, and a rejection has some. `report` is the digest of what the guardian wrote.
    """

    TYPE: ClassVar[StructType] = STRATEGY_REVIEW_TYPE

    epoch: int
    submission: bytes
    choice: Choice
    risk_score: int
    concerns: int
    report: bytes

    def __post_init__(self) -> None:
        check_integer(self, "epoch", self.epoch, 0, MAX_U64)
        check_bytes(self, "submission", self.submission, 32)
        if self.choice not in (Choice.APPROVE, Choice.REJECT):
            raise FieldError("StrategyReview", "choice", self.choice, "APPROVE or REJECT")
        check_integer(self, "risk_score", self.risk_score, 0, 100)
        if not parse_concerns(self.concerns) and self.choice == Choice.REJECT:
            raise FieldError("StrategyReview", "concerns", self.concerns, "at least one: the submitter is told why")
        check_bytes(self, "report", self.report, 32)

    @property
    def tier(self) -> int:
        """Only guardians review."""
        return GUARDIAN_TIER

    @property
    def round(self) -> int:
        """There is one: a guardian reviews what was handed in once, ever."""
        return 0

    @property
    def topic(self) -> bytes:
        """What was handed in."""
        return self.submission

    def struct(self) -> Mapping[str, object]:
        return {
            "epoch": self.epoch,
            "submission": self.submission,
            "choice": int(self.choice),
            "riskScore": self.risk_score,
            "concerns": self.concerns,
            "report": self.report,
        }
