"""Whether a trade may be executed: both certificates are there, prove themselves, and are about just this order. Pure.

The rules are `noderr.types.consensus.approval`'s, which validators use when they attest the trade.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from noderr.execution.errors import NotApprovedError
from noderr.execution.mandate import Mandate
from noderr.types.consensus import Certificate, Signatures, VoterSet
from noderr.types.consensus.agreed_signal import AgreedSignal
from noderr.types.consensus.approval import (
    Ground,
    Objection,
    expires_ns,
    not_agreed_on,
    not_asked_for,
    not_because_of,
    not_proven,
    not_the_round_of,
)
from noderr.types.consensus.certificate_reference import CertificateReference
from noderr.types.consensus.trade_proposal import TradeProposal
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import checksum_address
from noderr.types.tier_numbers import GUARDIAN_TIER, ORACLE_TIER

_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedTrade:
    """What somebody says is approved. None of it is trusted before `check_approval`; None is what did not come."""

    proposal: TradeProposal
    agreed_signal: AgreedSignal | None
    oracle_certificate: Certificate | None
    guardian_certificate: Certificate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRules:
    """`voters` by tier and epoch; `executors` may execute this trade, and `executor` is this node."""

    voters: Mapping[tuple[int, int], VoterSet]
    domain: Domain
    executor: bytes
    executors: Collection[bytes]
    signatures: Signatures | None = None


def check_approval(trade: ApprovedTrade, rules: ApprovalRules, *, now_ns: int) -> Mandate:
    """What may be done for it now. Raises `NotApprovedError`, whose `ground` says why."""
    proposal, agreed = trade.proposal, trade.agreed_signal
    if rules.executor not in rules.executors:
        raise NotApprovedError(
            Ground.NOT_THE_EXECUTOR, f"{checksum_address(rules.executor)} is none of those who may execute it"
        )
    oracles = _proven(trade.oracle_certificate, "oracles", ORACLE_TIER, rules, now_ns)
    guardians = _proven(trade.guardian_certificate, "guardians", GUARDIAN_TIER, rules, now_ns)
    _none_of(not_agreed_on(agreed, oracles))
    _none_of(not_asked_for(None if agreed is None else agreed.signal, oracles.topic, proposal.order))
    if guardians.subject != proposal.digest:
        raise NotApprovedError(Ground.OTHER_PROPOSAL, "the guardians approved another proposal")
    _none_of(not_the_round_of(proposal, guardians))
    _none_of(not_because_of(proposal, oracles))
    if now_ns >= expires_ns(proposal):
        raise NotApprovedError(Ground.PROPOSAL_EXPIRED, f"it expired at {expires_ns(proposal)} ns, and it is {now_ns}")
    if proposal.order.expires_at_ns is not None and now_ns >= proposal.order.expires_at_ns:
        raise NotApprovedError(
            Ground.ORDER_EXPIRED, f"the order expired at {proposal.order.expires_at_ns} ns, and it is {now_ns}"
        )
    return Mandate(
        trade_id=proposal.id,
        proposal=proposal.digest,
        order=proposal.order,
        oracles=CertificateReference.of(oracles),
        guardians=CertificateReference.of(guardians),
        deadline_ns=_deadline_ns(proposal, oracles, guardians),
    )


def _proven(certificate: Certificate | None, whose: str, tier: int, rules: ApprovalRules, now_ns: int) -> Certificate:
    if certificate is None:
        raise NotApprovedError(Ground.NO_CERTIFICATE, f"the {whose}' certificate is missing")
    objection = not_proven(
        certificate,
        tier,
        rules.voters.get((tier, certificate.epoch)),
        rules.domain,
        now_s=now_ns // _SECOND_NS,
        signatures=rules.signatures,
    )
    if objection is not None:
        raise NotApprovedError(objection.ground, f"the {whose}' certificate: {objection.detail}")
    return certificate


def _none_of(objection: Objection | None) -> None:
    if objection is not None:
        raise NotApprovedError(objection.ground, objection.detail)


def _deadline_ns(proposal: TradeProposal, *certificates: Certificate) -> int:
    """A certificate counts through the second that it names; proposal and order end with the moment that they name."""
    ends = [expires_ns(proposal), *((one.expires_at_s + 1) * _SECOND_NS for one in certificates)]
    if proposal.order.expires_at_ns is not None:
        ends.append(proposal.order.expires_at_ns)
    return min(ends)
