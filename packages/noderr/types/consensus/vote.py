"""A vote: what one voter says of one subject in one round, signed so that a contract can check it.

All three protocols end in votes of this one kind; what the subject is, each says: an oracles' agreed signal, a trade
proposal, an execution to attest. A voter votes once for a `topic` in a round, ever.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from noderr.types.consensus.signed import TypedMessage
from noderr.types.eip712 import StructType, parse_struct_type
from noderr.types.keccak import keccak256
from noderr.types.trading.checks import check_bytes, check_integer

VOTE_TYPE = parse_struct_type(
    "Vote(uint8 tier,uint64 epoch,uint64 round,bytes32 topic,bytes32 subject,"
    "uint8 choice,uint32 codes,uint64 expiresAt)"
)

MAX_U64 = (1 << 64) - 1
_MAX_U32 = (1 << 32) - 1
_WORD = 32


class Choice(enum.IntEnum):
    """What is said of the subject. An abstention counts as seen, and for neither side."""

    APPROVE = 1
    REJECT = 2
    ABSTAIN = 3


_FIRST_CHOICE, _LAST_CHOICE = int(min(Choice)), int(max(Choice))


@dataclass(frozen=True, kw_only=True)
class Vote(TypedMessage):
    """`tier` 1 to 3 as the manifests number them; `expires_at_s` in Unix seconds, after which the vote counts nowhere.

    `topic` says what the round is about (a market, a trade's id), `subject` is the digest of what is voted on. `codes`
    are bits whose meaning the protocol gives: why a guardian rejects, which checks of a validator passed.
    """

    TYPE: ClassVar[StructType] = VOTE_TYPE

    tier: int
    epoch: int
    round: int
    topic: bytes
    subject: bytes
    choice: Choice
    codes: int = 0
    expires_at_s: int

    def __post_init__(self) -> None:
        check_integer(self, "tier", self.tier, 1, 3)
        check_integer(self, "epoch", self.epoch, 0, MAX_U64)
        check_integer(self, "round", self.round, 0, MAX_U64)
        check_bytes(self, "topic", self.topic, 32)
        check_bytes(self, "subject", self.subject, 32)
        check_integer(self, "choice", self.choice, _FIRST_CHOICE, _LAST_CHOICE)
        check_integer(self, "codes", self.codes, 0, _MAX_U32)
        check_integer(self, "expires_at_s", self.expires_at_s, 1, MAX_U64)

    @cached_property
    def struct_hash(self) -> bytes:
        """`hashStruct` from the members, which are checked already; that it is what `TYPE` makes of them is tested."""
        return keccak256(
            VOTE_TYPE.type_hash
            + self.tier.to_bytes(_WORD)
            + self.epoch.to_bytes(_WORD)
            + self.round.to_bytes(_WORD)
            + self.topic
            + self.subject
            + self.choice.to_bytes(_WORD)
            + self.codes.to_bytes(_WORD)
            + self.expires_at_s.to_bytes(_WORD)
        )

    def struct(self) -> Mapping[str, object]:
        return {
            "tier": self.tier,
            "epoch": self.epoch,
            "round": self.round,
            "topic": self.topic,
            "subject": self.subject,
            "choice": int(self.choice),
            "codes": self.codes,
            "expiresAt": self.expires_at_s,
        }
