"""The four checks of an execution, each alone: what a check gets, and what it says.

A check fails an execution only for what its report itself says or pins. What is missing, late, or not what the report
refers to says nothing of the executor: INSUFFICIENT.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol

from noderr.types.consensus import Certificate
from noderr.types.consensus.agreed_signal import AgreedSignal
from noderr.types.consensus.execution import ExecutionReport
from noderr.types.consensus.trade_proposal import TradeProposal


class CheckBit(enum.IntFlag):
    """The checks, as bits of what a validator signs."""

    ORACLE_CERTIFICATE = 1
    GUARDIAN_CERTIFICATE = 2
    EXECUTION_BAND = 4
    SETTLEMENT = 8


class CheckStatus(enum.StrEnum):
    """What a check says."""

    PASSED = "passed"
    FAILED = "failed"
    INSUFFICIENT = "insufficient"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """`detail` is for people: why it failed, or what is missing."""

    status: CheckStatus
    detail: str = ""


PASSED = CheckResult(CheckStatus.PASSED)


def failed(detail: str) -> CheckResult:
    """The execution breaks a rule."""
    return CheckResult(CheckStatus.FAILED, detail)


def insufficient(detail: str) -> CheckResult:
    """Nobody can tell yet, or here."""
    return CheckResult(CheckStatus.INSUFFICIENT, detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionEvidence:
    """What came with the report. None of it is trusted: the report says by digest what it must be."""

    proposal: TradeProposal | None = None
    agreed_signal: AgreedSignal | None = None
    oracle_certificate: Certificate | None = None
    guardian_certificate: Certificate | None = None


class Check(Protocol):
    """One of the four."""

    @property
    def name(self) -> str: ...
    @property
    def bit(self) -> CheckBit: ...
    async def evaluate(self, report: ExecutionReport, evidence: ExecutionEvidence) -> CheckResult:
        """May raise any `Exception`: that is INSUFFICIENT."""
