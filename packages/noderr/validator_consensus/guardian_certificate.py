"""The second check: did the guardians approve just this order for just this signal, and was it executed in time?"""

from __future__ import annotations

from noderr.types.consensus.certificate_reference import certificate_digest
from noderr.types.consensus.execution import Execution, ExecutionReport
from noderr.types.consensus.trade_proposal import SignalReference, TradeProposal
from noderr.types.tier_numbers import GUARDIAN_TIER
from noderr.validator_consensus.certificate_proof import CertificateRules
from noderr.validator_consensus.checks import (
    PASSED,
    CheckBit,
    CheckResult,
    CheckStatus,
    ExecutionEvidence,
    failed,
    insufficient,
)

_SECOND_NS = 1_000_000_000


class GuardianCertificateCheck:
    """Every fill must be made before the proposal expires, and before the certificate does."""

    name = "guardian certificate"
    bit = CheckBit.GUARDIAN_CERTIFICATE

    def __init__(self, rules: CertificateRules) -> None:
        self._rules = rules

    async def evaluate(self, report: ExecutionReport, evidence: ExecutionEvidence) -> CheckResult:
        execution, certificate = report.execution, evidence.guardian_certificate
        proven = await self._rules.prove(certificate, execution.guardians, GUARDIAN_TIER, execution.executed_at_ns)
        if proven.status is not CheckStatus.PASSED or certificate is None:
            return proven
        if (certificate.topic, certificate.subject) != (execution.trade_id, execution.proposal):
            return failed("the guardians approved another proposal than the report names")
        return _follows(execution, evidence)


def _follows(execution: Execution, evidence: ExecutionEvidence) -> CheckResult:
    """Whether the execution follows from the proposal, and the proposal from the oracles' signal."""
    proposal, oracles = evidence.proposal, evidence.oracle_certificate
    if proposal is None or proposal.digest != execution.proposal:
        return insufficient("the proposal that the guardians approved is missing")
    wrong = _wrong(proposal, execution)
    if wrong is not None:
        return failed(wrong)
    if oracles is None or certificate_digest(oracles) != execution.oracles.certificate:
        return insufficient("the oracles' certificate that the report refers to is missing")
    approved_for = SignalReference(
        epoch=oracles.epoch, round=oracles.round, topic=oracles.topic, agreed_signal=oracles.subject
    )
    if proposal.signal != approved_for:
        return failed("the guardians approved the trade because of another signal")
    return PASSED


def _wrong(proposal: TradeProposal, execution: Execution) -> str | None:
    place = (proposal.id, proposal.epoch, proposal.round)
    if place != (execution.trade_id, execution.guardians.epoch, execution.guardians.round):
        return "the guardians' round was about another proposal than they approved"
    if proposal.order != execution.order:
        return "the order that was executed is not the one that was approved"
    expires_ns = proposal.expires_at_s * _SECOND_NS
    if execution.executed_at_ns >= expires_ns:
        return f"the last fill was made at {execution.executed_at_ns} ns, and the proposal expired at {expires_ns} ns"
    return None
