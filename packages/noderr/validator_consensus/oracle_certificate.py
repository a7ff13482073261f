"""The first check: did the oracles agree on a signal that asks for this trade, in this market, in time?"""

from __future__ import annotations

from noderr.types.consensus.agreed_signal import market_topic
from noderr.types.consensus.execution import ExecutionReport
from noderr.types.tier_numbers import ORACLE_TIER
from noderr.types.trading import Direction, Order, Side, Signal
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

_SIDES = {Direction.BUY: Side.BUY, Direction.SELL: Side.SELL}


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
        wrong = _wrong(agreed.signal, certificate.topic, execution.order)
        return PASSED if wrong is None else failed(wrong)


def _wrong(signal: Signal | None, topic: bytes, order: Order) -> str | None:
    if signal is None:
        return "the oracles agreed that there is no signal"
    if market_topic(signal.symbol, signal.horizon_seconds) != topic:
        return f"the signal is about {signal.symbol}, and the oracles' round was about another market"
    if signal.symbol != order.symbol:
        return f"the signal is about {signal.symbol} and the order about {order.symbol}"
    if _SIDES.get(signal.direction) is not order.side:
        return f"the signal says {signal.direction.name} and the order {order.side.name}"
    return None
