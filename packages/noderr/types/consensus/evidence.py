"""Evidence that a voter said two things where it may say one. It stands alone: two signed messages, nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from noderr.types.consensus.errors import Reason, RefusedMessage
from noderr.types.consensus.signed import ProtocolMessage, Signatures, Signed, check_signature, message_name
from noderr.types.eip712 import Domain


@dataclass(frozen=True, slots=True)
class Evidence[M: ProtocolMessage]:
    """Two messages of one kind, one signer, one epoch, round and topic, that are not the same."""

    first: Signed[M]
    second: Signed[M]

    @property
    def offender(self) -> bytes:
        """The address of who signed both."""
        return self.first.signer


def message_slot(message: ProtocolMessage) -> tuple[object, ...]:
    """Where a signer may say only one thing: kind, tier, epoch, round and topic; a leader one report in each view."""
    place = (message_name(message), message.tier, message.epoch, message.round, message.topic)
    return (*place, getattr(message, "view", 0))


def verify_evidence[M: ProtocolMessage](evidence: Evidence[M], domain: Domain, signatures: Signatures) -> None:
    """Nothing, if the offender did sign both. Raises `RefusedMessage`."""
    first, second = evidence.first, evidence.second
    if first.signer != second.signer:
        raise RefusedMessage(Reason.UNPROVEN, "the two messages have two signers")
    if message_slot(first.message) != message_slot(second.message):
        raise RefusedMessage(Reason.UNPROVEN, "the two messages are of two rounds, topics or kinds: both may be said")
    if check_signature(first, domain, signatures) == check_signature(second, domain, signatures):
        raise RefusedMessage(Reason.UNPROVEN, "the two messages say the same")
