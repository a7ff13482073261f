"""What an executor asks the guardians: to vote on a trade, because of what the oracles agreed on. It signs all of it.

So who passes it on can neither change the trade nor take away what proves it. The votes are on the proposal alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from google.protobuf.message import DecodeError

from noderr.types.consensus.certificate_reference import certificate_digest
from noderr.types.consensus.errors import Reason, RefusedMessage
from noderr.types.consensus.signal_decision import SignalDecision, decision_from_message, decision_to_message
from noderr.types.consensus.signed import Signed, TypedMessage
from noderr.types.consensus.trade_proposal import TradeProposal, trade_proposal_from_wire, trade_proposal_to_wire
from noderr.types.eip712 import StructType, parse_struct_type
from noderr.types.errors import TypesError
from noderr.types.wire import handover_pb2 as pb

PROPOSAL_REQUEST_TYPE = parse_struct_type(
    "ProposalRequest(bytes32 proposal,bytes32 agreedSignal,bytes32 oracleCertificate)"
)

_NOTHING = bytes(32)


@dataclass(frozen=True, kw_only=True)
class ProposalRequest(TypedMessage):
    """`decision` is None for a trade that follows from nothing: that can be asked for, and is rejected."""

    TYPE: ClassVar[StructType] = PROPOSAL_REQUEST_TYPE

    proposal: TradeProposal
    decision: SignalDecision | None

    @property
    def tier(self) -> int:
        return self.proposal.tier

    @property
    def epoch(self) -> int:
        return self.proposal.epoch

    @property
    def round(self) -> int:
        return self.proposal.round

    @property
    def topic(self) -> bytes:
        return self.proposal.topic

    def struct(self) -> Mapping[str, object]:
        decision = self.decision
        return {
            "proposal": self.proposal.digest,
            "agreedSignal": _NOTHING if decision is None else decision.agreed_signal.digest,
            "oracleCertificate": _NOTHING if decision is None else certificate_digest(decision.certificate),
        }


def proposal_request_to_wire(signed: Signed[ProposalRequest]) -> bytes:
    request = signed.message
    return pb.ProposalRequest(
        proposal=trade_proposal_to_wire(request.proposal),
        executor=signed.signer,
        signature=signed.signature,
        decision=None if request.decision is None else decision_to_message(request.decision),
    ).SerializeToString()


def proposal_request_from_wire(content: bytes) -> Signed[ProposalRequest]:
    """Raises `RefusedMessage`; whether the executor signed it is not checked here."""
    try:
        message = pb.ProposalRequest.FromString(content)
        request = ProposalRequest(
            proposal=trade_proposal_from_wire(message.proposal),
            decision=decision_from_message(message.decision) if message.HasField("decision") else None,
        )
    except RefusedMessage:
        raise
    except (DecodeError, TypesError) as error:
        raise RefusedMessage(Reason.MALFORMED, f"no request to vote on a trade: {error}") from error
    return Signed(request, message.executor, message.signature)
