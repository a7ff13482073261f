"""What oracles say in a round, before they vote: a commitment, then what it hid, then the leader's report.

Each is EIP-712 typed data, so that two that contradict each other are evidence which stands alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from noderr.types.consensus import Signed, TypedMessage
from noderr.types.consensus.vote import MAX_U64
from noderr.types.consensus.weights import MAX_VOTERS
from noderr.types.eip712 import StructType, parse_struct_type
from noderr.types.keccak import keccak256
from noderr.types.tier_numbers import ORACLE_TIER
from noderr.types.trading.checks import check_bytes, check_integer
from noderr.types.trading.errors import FieldError

_OBSERVATION = (
    "Observation(bool abstain,int64 predictionE8,uint16 confidenceBps,"
    "uint64 midPriceE8,uint64 observedAt,bytes32 modelHash)"
)
OBSERVATION_TYPE = parse_struct_type(_OBSERVATION)
COMMIT_TYPE = parse_struct_type("Commit(uint64 epoch,uint64 round,bytes32 topic,bytes32 commitment)")
REVEAL_TYPE = parse_struct_type(
    "Reveal(uint64 epoch,uint64 round,bytes32 topic,Observation observation,bytes32 salt,bytes32[] seen)" + _OBSERVATION
)
REPORT_TYPE = parse_struct_type(
    "Report(uint64 epoch,uint64 round,bytes32 topic,uint32 view,bytes32 observations,bytes32 subject)"
)

# An oracle may have seen two commitments of an equivocator, and more of none.
MAX_SEEN = 2 * MAX_VOTERS
_MAX_I64 = (1 << 63) - 1
_WORD = 32


@dataclass(frozen=True, kw_only=True)
class Observation(TypedMessage):
    """What one oracle sees, in the units of `Signal`. With `abstain` it says that it sees nothing, and all is zero."""

    TYPE: ClassVar[StructType] = OBSERVATION_TYPE

    abstain: bool = False
    prediction_e8: int = 0
    confidence_bps: int = 0
    mid_price_e8: int = 0
    observed_at_s: int = 0
    model_hash: bytes = b"\0" * 32

    def __post_init__(self) -> None:
        if not isinstance(self.abstain, bool):
            raise FieldError("Observation", "abstain", self.abstain, "True or False")
        check_integer(self, "prediction_e8", self.prediction_e8, -_MAX_I64 - 1, _MAX_I64)
        check_integer(self, "confidence_bps", self.confidence_bps, 0, 10_000)
        check_integer(self, "mid_price_e8", self.mid_price_e8, 0 if self.abstain else 1, MAX_U64)
        check_integer(self, "observed_at_s", self.observed_at_s, 0, MAX_U64)
        check_bytes(self, "model_hash", self.model_hash, 32)
        if self.abstain and (self.prediction_e8 or self.confidence_bps or self.mid_price_e8 or self.observed_at_s):
            raise FieldError("Observation", "abstain", True, "alone: who abstains says nothing else")

    @cached_property
    def struct_hash(self) -> bytes:
        """As in `_InRound`."""
        return keccak256(
            OBSERVATION_TYPE.type_hash
            + self.abstain.to_bytes(_WORD)
            + self.prediction_e8.to_bytes(_WORD, signed=True)
            + self.confidence_bps.to_bytes(_WORD)
            + self.mid_price_e8.to_bytes(_WORD)
            + self.observed_at_s.to_bytes(_WORD)
            + self.model_hash
        )

    def struct(self) -> Mapping[str, object]:
        return {
            "abstain": self.abstain,
            "predictionE8": self.prediction_e8,
            "confidenceBps": self.confidence_bps,
            "midPriceE8": self.mid_price_e8,
            "observedAt": self.observed_at_s,
            "modelHash": self.model_hash,
        }


ABSTENTION = Observation(abstain=True)


def commitment(oracle: bytes, observation: Observation, salt: bytes) -> bytes:
    """32 bytes that hide the observation and bind the oracle to it; another's commitment copied opens to nothing."""
    return keccak256(oracle + observation.struct_hash + salt)


@dataclass(frozen=True, kw_only=True)
class _InRound(TypedMessage):
    tier: ClassVar[int] = ORACLE_TIER

    epoch: int
    round: int
    topic: bytes

    def __post_init__(self) -> None:
        check_integer(self, "epoch", self.epoch, 0, MAX_U64)
        check_integer(self, "round", self.round, 0, MAX_U64)
        check_bytes(self, "topic", self.topic, 32)

    def _place(self) -> dict[str, object]:
        return {"epoch": self.epoch, "round": self.round, "topic": self.topic}

    def _hash_with(self, words: bytes) -> bytes:
        """`hashStruct` from the words after the place's. A round hashes dozens of these, whose members are checked
        already; that it is what `TYPE` makes of `struct()` is tested.
        """
        return keccak256(
            self.TYPE.type_hash + self.epoch.to_bytes(_WORD) + self.round.to_bytes(_WORD) + self.topic + words
        )


@dataclass(frozen=True, kw_only=True)
class Commit(_InRound):
    """I have an observation, and nobody can copy it yet."""

    TYPE: ClassVar[StructType] = COMMIT_TYPE
    IN_BATCHES: ClassVar[bool] = True

    commitment: bytes

    def __post_init__(self) -> None:
        super().__post_init__()
        check_bytes(self, "commitment", self.commitment, 32)

    def struct(self) -> Mapping[str, object]:
        return {**self._place(), "commitment": self.commitment}

    @cached_property
    def struct_hash(self) -> bytes:
        return self._hash_with(self.commitment)


@dataclass(frozen=True, kw_only=True)
class Reveal(_InRound):
    """The observation and the salt that open my commitment, and the commitments that I had by then, ascending."""

    TYPE: ClassVar[StructType] = REVEAL_TYPE
    IN_BATCHES: ClassVar[bool] = True

    observation: Observation
    salt: bytes
    seen: tuple[bytes, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        check_bytes(self, "salt", self.salt, 32)
        if not all(isinstance(seen, bytes) and len(seen) == _WORD for seen in self.seen):
            for seen in self.seen:
                check_bytes(self, "seen", seen, _WORD)
        if len(self.seen) > MAX_SEEN or list(self.seen) != sorted(set(self.seen)):
            raise FieldError("Reveal", "seen", len(self.seen), f"at most {MAX_SEEN} commitments, strictly ascending")

    def struct(self) -> Mapping[str, object]:
        return {
            **self._place(),
            "observation": self.observation.struct(),
            "salt": self.salt,
            "seen": self.seen,
        }

    @cached_property
    def struct_hash(self) -> bytes:
        return self._hash_with(self.observation.struct_hash + self.salt + keccak256(b"".join(self.seen)))

    def commitment_of(self, oracle: bytes) -> bytes:
        """The commitment that this opens, if it is `oracle`'s. Remembered: every aggregation asks for it."""
        known: tuple[bytes, bytes] | None = self.__dict__.get("_commitment")
        if known is None or known[0] != oracle:
            known = self.__dict__["_commitment"] = oracle, commitment(oracle, self.observation, self.salt)
        return known[1]


@dataclass(frozen=True, kw_only=True)
class Report(_InRound):
    """The leader's: these are the observations, ascending by oracle, and `subject` follows from them."""

    TYPE: ClassVar[StructType] = REPORT_TYPE

    view: int
    subject: bytes
    reveals: tuple[Signed[Reveal], ...] = field(repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer(self, "view", self.view, 0, (1 << 32) - 1)
        check_bytes(self, "subject", self.subject, 32)
        signers = [reveal.signer for reveal in self.reveals]
        if signers != sorted(set(signers)) or len(signers) > MAX_VOTERS:
            raise FieldError("Report", "reveals", len(signers), "of at most 256 oracles, strictly ascending")

    def struct(self) -> Mapping[str, object]:
        return {
            **self._place(),
            "view": self.view,
            "observations": observations_digest(self.reveals),
            "subject": self.subject,
        }

    @cached_property
    def struct_hash(self) -> bytes:
        return self._hash_with(self.view.to_bytes(_WORD) + observations_digest(self.reveals) + self.subject)


def observations_digest(reveals: tuple[Signed[Reveal], ...]) -> bytes:
    """32 bytes that stand for who revealed what."""
    return keccak256(b"".join([reveal.signer + reveal.message.struct_hash for reveal in reveals]))
