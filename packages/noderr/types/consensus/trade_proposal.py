"""What guardians vote on: one order, the signal that it follows from, and the portfolio and rules that it is judged by.

The vote's topic is the proposal's `id`, its subject the proposal's `digest`. The executor computes both again before it
trusts the guardians' certificate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from noderr.types.consensus.certificate import Certificate
from noderr.types.consensus.certificate_reference import CertificateReference
from noderr.types.consensus.order_struct import ORDER_STRUCT, order_struct
from noderr.types.consensus.signed import TypedMessage
from noderr.types.consensus.vote import MAX_U64
from noderr.types.eip712 import StructType, parse_struct_type
from noderr.types.keccak import keccak256
from noderr.types.tier_numbers import GUARDIAN_TIER
from noderr.types.trading.checks import check_bytes, check_integer
from noderr.types.trading.errors import FieldError
from noderr.types.trading.on_wire import order_from_wire, order_to_wire
from noderr.types.trading.order import Order
from noderr.types.wire import guardian_pb2 as pb

TRADE_PROPOSAL_TYPE = parse_struct_type(
    "TradeProposal(bytes32 id,uint64 epoch,uint64 round,Order order,SignalReference signal,"
    "bytes32 snapshot,bytes32 ruleset,uint64 expiresAt)"
    + ORDER_STRUCT
    + "SignalReference(uint64 epoch,uint64 round,bytes32 topic,bytes32 agreedSignal)"
)

_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalReference:
    """The oracles' certificate: its epoch, round and topic, and its subject, the digest of the `AgreedSignal`."""

    epoch: int
    round: int
    topic: bytes
    agreed_signal: bytes

    def __post_init__(self) -> None:
        check_integer(self, "epoch", self.epoch, 0, MAX_U64)
        check_integer(self, "round", self.round, 0, MAX_U64)
        check_bytes(self, "topic", self.topic, 32)
        check_bytes(self, "agreed_signal", self.agreed_signal, 32)

    @classmethod
    def of(cls, certificate: Certificate) -> SignalReference:
        """The reference to the signal that this certificate of the oracles is about."""
        return cls(
            epoch=certificate.epoch,
            round=certificate.round,
            topic=certificate.topic,
            agreed_signal=certificate.subject,
        )


def trade_id(signal: SignalReference | CertificateReference, executor: bytes) -> bytes:
    """32 bytes: one executor has one trade of one round of the oracles, ever, and no other's has its id."""
    place = signal.epoch.to_bytes(8, "big") + signal.round.to_bytes(8, "big")
    return keccak256(b"noderr trade v1\0" + place + signal.topic + executor)


@dataclass(frozen=True, kw_only=True)
class TradeProposal(TypedMessage):
    """`id` is `trade_id`; `epoch` and `round` are the guardians'; `snapshot` and `ruleset` are digests of 32 bytes.

    From `expires_at_s` (Unix seconds) on nobody may approve or execute it.
    """

    TYPE: ClassVar[StructType] = TRADE_PROPOSAL_TYPE

    id: bytes
    epoch: int
    round: int
    order: Order
    signal: SignalReference
    snapshot: bytes
    ruleset: bytes
    expires_at_s: int

    def __post_init__(self) -> None:
        check_bytes(self, "id", self.id, 32)
        check_integer(self, "epoch", self.epoch, 0, MAX_U64)
        check_integer(self, "round", self.round, 0, MAX_U64)
        check_bytes(self, "snapshot", self.snapshot, 32)
        check_bytes(self, "ruleset", self.ruleset, 32)
        check_integer(self, "expires_at_s", self.expires_at_s, 1, MAX_U64)
        if self.expires_at_s * _SECOND_NS <= self.order.created_at_ns:
            raise FieldError("TradeProposal", "expires_at_s", self.expires_at_s, "later than the order's created_at_ns")

    @property
    def tier(self) -> int:
        """Whose votes it asks for."""
        return GUARDIAN_TIER

    @property
    def topic(self) -> bytes:
        """The topic of the votes: who proposes may say one thing about one id in one round."""
        return self.id

    def struct(self) -> Mapping[str, object]:
        return {
            "id": self.id,
            "epoch": self.epoch,
            "round": self.round,
            "order": order_struct(self.order),
            "signal": {
                "epoch": self.signal.epoch,
                "round": self.signal.round,
                "topic": self.signal.topic,
                "agreedSignal": self.signal.agreed_signal,
            },
            "snapshot": self.snapshot,
            "ruleset": self.ruleset,
            "expiresAt": self.expires_at_s,
        }

    @property
    def digest(self) -> bytes:
        """`hashStruct`, 32 bytes: the subject of the votes."""
        return self.struct_hash


def trade_proposal_to_wire(proposal: TradeProposal) -> pb.TradeProposal:
    return pb.TradeProposal(
        id=proposal.id,
        epoch=proposal.epoch,
        round=proposal.round,
        order=order_to_wire(proposal.order),
        signal=pb.SignalReference(
            epoch=proposal.signal.epoch,
            round=proposal.signal.round,
            topic=proposal.signal.topic,
            agreed_signal=proposal.signal.agreed_signal,
        ),
        snapshot=proposal.snapshot,
        ruleset=proposal.ruleset,
        expires_at_unix_s=proposal.expires_at_s,
    )


def trade_proposal_from_wire(message: pb.TradeProposal) -> TradeProposal:
    """Raises `FieldError` where a field is missing or makes no sense."""
    return TradeProposal(
        id=message.id,
        epoch=message.epoch,
        round=message.round,
        order=order_from_wire(message.order),
        signal=SignalReference(
            epoch=message.signal.epoch,
            round=message.signal.round,
            topic=message.signal.topic,
            agreed_signal=message.signal.agreed_signal,
        ),
        snapshot=message.snapshot,
        ruleset=message.ruleset,
        expires_at_s=message.expires_at_unix_s,
    )
