"""Which proposals a guardian votes on at all, and which follow from what the oracles agreed on. Pure.

Asked before any evaluator: what is approved for a signal that nobody proved would count against the next trades.
"""

from __future__ import annotations

from dataclasses import dataclass

from noderr.core.consensus.membership import Membership
from noderr.guardian_consensus.evaluator import Verdict, reject
from noderr.guardian_consensus.veto import Veto
from noderr.types.consensus import Reason, RefusedMessage, Signatures, Signed, VoterSet, check_signature
from noderr.types.consensus.approval import (
    Ground,
    Objection,
    not_agreed_on,
    not_asked_for,
    not_because_of,
    not_proven,
)
from noderr.types.consensus.proposal_request import ProposalRequest
from noderr.types.consensus.trade_proposal import trade_id
from noderr.types.eip712 import Domain
from noderr.types.tier_numbers import ORACLE_TIER, VALIDATOR_TIER

_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalRules:
    """`executors` are the validators that vote, `oracles` those whose certificates count; None where there are none."""

    executors: VoterSet | None
    oracles: VoterSet | None
    domain: Domain
    signatures: Signatures

    @classmethod
    def of(cls, membership: Membership, signatures: Signatures) -> ProposalRules:
        """Those of the voters' file."""
        return cls(
            executors=membership.voters(VALIDATOR_TIER),
            oracles=membership.voters(ORACLE_TIER),
            domain=membership.domain,
            signatures=signatures,
        )

    def check(self, signed: Signed[ProposalRequest]) -> None:
        """A validator signed it, and the id is its own: else nobody works on it. Raises `RefusedMessage`."""
        proposal = signed.message.proposal
        if self.executors is None or signed.signer not in self.executors.weights:
            raise RefusedMessage(Reason.NOT_A_MEMBER, "the executor is no validator that votes in this epoch")
        if proposal.id != trade_id(proposal.signal, signed.signer):
            raise RefusedMessage(Reason.WRONG_SUBJECT, "the proposal's id is not this executor's for this signal")
        check_signature(signed, self.domain, self.signatures)

    def veto(self, request: ProposalRequest, now_ns: int) -> Verdict | None:
        """A rejection, unless it is proven now that the oracles agreed on a signal which asks for this order."""
        objection = self._unproven(request, now_ns)
        if objection is not None:
            return _reject(Veto.WRONG_CERTIFICATE, objection)
        assert request.decision is not None, "it is proven"
        signal, topic = request.decision.agreed_signal.signal, request.decision.certificate.topic
        objection = not_asked_for(signal, topic, request.proposal.order)
        return None if objection is None else _reject(Veto.WRONG_ORDER, objection)

    def _unproven(self, request: ProposalRequest, now_ns: int) -> Objection | None:
        if request.decision is None:
            return Objection(Ground.NO_CERTIFICATE, "the oracles' certificate is missing")
        certificate = request.decision.certificate
        return (
            not_because_of(request.proposal, certificate)
            or not_agreed_on(request.decision.agreed_signal, certificate)
            or not_proven(
                certificate,
                ORACLE_TIER,
                self.oracles,
                self.domain,
                now_s=now_ns // _SECOND_NS,
                signatures=self.signatures,
            )
        )


def _reject(veto: Veto, objection: Objection) -> Verdict:
    return reject(veto, {"ground": objection.ground.value, "detail": objection.detail})
