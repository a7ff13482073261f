"""The first check: did the oracles agree on a signal that asks for this trade, in this market, in time?"""

from __future__ import annotations

from noderr.types.consensus.approval import not_asked_for
from noderr.types.consensus.execution import ExecutionReport
from noderr.types.tier_numbers import ORACLE_TIER
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


class OracleCertificateCheck:
    """Every fill must be made before the certificate expires."""

    name = "oracle certificate"
    bit = CheckBit.ORACLE_CERTIFICATE

    def __init__(self, rules: CertificateRules) -> None:
        self._rules = rules

    async def evaluate(self, report: ExecutionReport, evidence: ExecutionEvidence) -> CheckResult:
        execution, certificate, agreed = report.execution, evidence.oracle_certificate, evidence.agreed_signal
        proven = await self._rules.prove(certificate, execution.oracles, ORACLE_TIER, execution.executed_at_ns)
        if proven.status is not CheckStatus.PASSED or certificate is None:
            return proven
        if agreed is None or agreed.digest != certificate.subject:
            return insufficient("the signal that the certificate is about is missing")
        objection = not_asked_for(agreed.signal, certificate.topic, execution.order)
        return PASSED if objection is None else failed(objection.detail)
