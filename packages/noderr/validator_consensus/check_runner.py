"""Runs the four checks, all at once, each for a bounded time. Nothing that goes wrong in one makes it pass."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from noderr.types.consensus.execution import ExecutionReport
from noderr.utils import Clock, TimeLimitError, within
from noderr.validator_consensus.checks import Check, CheckBit, CheckResult, ExecutionEvidence, insufficient
from noderr.validator_consensus.errors import VerdictError


class CheckRunner:
    """`limit_s`: how many seconds of the clock a check may take."""

    def __init__(self, checks: Sequence[Check], clock: Clock, *, limit_s: float = 10.0) -> None:
        """Raises `VerdictError` when these are not the four, each once."""
        bits = sorted(check.bit for check in checks)
        if bits != sorted(CheckBit):
            names = ", ".join(check.name for check in checks)
            raise VerdictError(f"the checks are {names or 'none'}: there must be one each of {', '.join(_NAMES)}")
        if not limit_s > 0:
            raise VerdictError(f"limit_s is {limit_s}: it must be seconds above 0")
        self._checks = tuple(checks)
        self._clock = clock
        self._limit_s = limit_s

    async def run(self, report: ExecutionReport, evidence: ExecutionEvidence) -> Mapping[CheckBit, CheckResult]:
        """What each of the four says."""
        results = await asyncio.gather(*(self._within(check, report, evidence) for check in self._checks))
        return {check.bit: result for check, result in zip(self._checks, results, strict=True)}

    async def _within(self, check: Check, report: ExecutionReport, evidence: ExecutionEvidence) -> CheckResult:
        try:
            return await within(self._limit_s, self._clock, _ask(check, report, evidence))
        except TimeLimitError as error:
            return insufficient(f"{check.name}: {error}")


_NAMES = [bit.name or "" for bit in CheckBit]


async def _ask(check: Check, report: ExecutionReport, evidence: ExecutionEvidence) -> CheckResult:
    try:
        return await check.evaluate(report, evidence)
    except Exception as error:  # Whatever its sources raise: nobody can tell, so nobody says that it passed.
        return insufficient(f"{check.name}: {type(error).__name__}: {error}")
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return insufficient(f"{check.name}: one of its sources was cancelled")
