"""The second check: did the guardians approve just this order for just this signal, and was it executed in time?"""

from __future__ import annotations

from noderr.types.consensus import Certificate
from noderr.types.consensus.approval import expires_ns, not_because_of, not_the_round_of
from noderr.types.consensus.certificate_reference import certificate_digest
from noderr.types.consensus.execution import Execution, ExecutionReport
from noderr.types.consensus.trade_proposal import TradeProposal
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
        return _follows(execution, certificate, evidence)


def _follows(execution: Execution, guardians: Certificate, evidence: ExecutionEvidence) -> CheckResult:
    """Whether the execution follows from the proposal, and the proposal from the oracles' signal."""
    proposal, oracles = evidence.proposal, evidence.oracle_certificate
    if proposal is None or proposal.digest != execution.proposal:
        return insufficient("the proposal that the guardians approved is missing")
    wrong = _wrong(proposal, guardians, execution)
    if wrong is not None:
        return failed(wrong)
    if oracles is None or certificate_digest(oracles) != execution.oracles.certificate:
        return insufficient("the oracles' certificate that the report refers to is missing")
    objection = not_because_of(proposal, oracles)
    return PASSED if objection is None else failed(objection.detail)


def _wrong(proposal: TradeProposal, guardians: Certificate, execution: Execution) -> str | None:
    objection = not_the_round_of(proposal, guardians)
    if objection is not None:
        return objection.detail
    if proposal.order != execution.order:
        return "the order that was executed is not the one that was approved"
    expired_ns = expires_ns(proposal)
    if execution.executed_at_ns >= expired_ns:
        return f"the last fill was made at {execution.executed_at_ns} ns, and the proposal expired at {expired_ns} ns"
    return None
