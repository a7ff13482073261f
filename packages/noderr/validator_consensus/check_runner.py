"""Runs the four checks, all at once, each for a bounded time. Nothing that goes wrong in one makes it pass."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from noderr.types.consensus.execution import ExecutionReport
from noderr.utils import Clock
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
        began = self._clock.monotonic()
        task = asyncio.create_task(_ask(check, report, evidence))
        timer = asyncio.ensure_future(self._clock.sleep(self._limit_s))
        try:
            await asyncio.wait({task, timer}, return_when=asyncio.FIRST_COMPLETED)
            took_s = self._clock.monotonic() - began
            # The loop may wake late: what ended in time and was seen too late is too late, on every machine alike.
            if task.done() and took_s <= self._limit_s:
                return task.result()
        finally:
            timer.cancel()
            _abandon(task)
        return insufficient(f"{check.name}: it took {took_s:g} s and may take {self._limit_s:g} s")


_NAMES = [bit.name or "" for bit in CheckBit]

_abandoned: set[asyncio.Task[CheckResult]] = set()
"""Cancelled and not ended yet: what ignores the cancellation is not waited for, and the loop holds tasks weakly."""


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


def _abandon(task: asyncio.Task[CheckResult]) -> None:
    if not task.done():
        task.cancel()
        _abandoned.add(task)
        task.add_done_callback(_abandoned.discard)
