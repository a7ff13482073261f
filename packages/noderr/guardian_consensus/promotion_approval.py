"""What a guardian signs when a strategy may trade with more: this strategy, from this step of its life, until then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from noderr.guardian_consensus.lifecycle import Stage
from noderr.types.consensus.signed import TypedMessage
from noderr.types.consensus.vote import MAX_U64
from noderr.types.eip712 import StructType, parse_struct_type
from noderr.types.keccak import keccak256
from noderr.types.tier_numbers import GUARDIAN_TIER
from noderr.types.trading.checks import check_bytes, check_integer

PROMOTION_APPROVAL_TYPE = parse_struct_type(
    "PromotionApproval(uint64 epoch,bytes32 strategy,uint64 step,uint8 stage,uint64 expiresAt)"
)


@dataclass(frozen=True, kw_only=True)
class PromotionApproval(TypedMessage):
    """`strategy` is the digest of its submission, `stage` the one it may enter, `expires_at_s` Unix seconds.

    `step` counts the strategy's transitions until now: after a demotion what was approved before is worth nothing.
    """

    TYPE: ClassVar[StructType] = PROMOTION_APPROVAL_TYPE

    epoch: int
    strategy: bytes
    step: int
    stage: Stage
    expires_at_s: int

    def __post_init__(self) -> None:
        check_integer(self, "epoch", self.epoch, 0, MAX_U64)
        check_bytes(self, "strategy", self.strategy, 32)
        check_integer(self, "step", self.step, 0, MAX_U64)
        check_integer(self, "stage", self.stage, Stage.LIMITED_LIVE, Stage.FULL_LIVE)
        check_integer(self, "expires_at_s", self.expires_at_s, 1, MAX_U64)

    @property
    def tier(self) -> int:
        """Only guardians approve."""
        return GUARDIAN_TIER

    @property
    def round(self) -> int:
        """Its expiry: approving again, for longer, contradicts nothing and must be evidence of nothing."""
        return self.expires_at_s

    @property
    def topic(self) -> bytes:
        """The strategy, its step and the stage."""
        return keccak256(self.strategy + self.step.to_bytes(8, "big") + bytes([self.stage]))

    def struct(self) -> Mapping[str, object]:
        return {
            "epoch": self.epoch,
            "strategy": self.strategy,
            "step": self.step,
            "stage": int(self.stage),
            "expiresAt": self.expires_at_s,
        }
