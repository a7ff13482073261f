"""The four checks together: none of them can hold up, bring down, or pass in place of another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from noderr.types.consensus.execution import ExecutionReport
from noderr.utils import ManualClock
from noderr.validator_consensus.check_runner import CheckRunner
from noderr.validator_consensus.checks import PASSED, CheckBit, CheckResult, CheckStatus, ExecutionEvidence, failed
from noderr.validator_consensus.errors import VerdictError
from noderr.validator_consensus.execution_testing import Trade

WHOLE = Trade()
REPORT, EVIDENCE = WHOLE.report, WHOLE.evidence


async def passes() -> CheckResult:
    return PASSED


class Scripted:
    """A check that does as it is told."""

    def __init__(self, bit: CheckBit, act: Callable[[], Awaitable[CheckResult]] = passes) -> None:
        self.name = f"check {bit.value}"
        self.bit = bit
        self._act = act

    async def evaluate(self, report: ExecutionReport, evidence: ExecutionEvidence) -> CheckResult:
        assert (report, evidence) == (REPORT, EVIDENCE)
        return await self._act()


def four(act: Callable[[], Awaitable[CheckResult]]) -> list[Scripted]:
    """The third does this, the others pass."""
    return [Scripted(bit, act if bit is CheckBit.EXECUTION_BAND else passes) for bit in CheckBit]


async def third(act: Callable[[], Awaitable[CheckResult]], clock: ManualClock, seconds: float = 0.0) -> CheckResult:
    running = asyncio.create_task(CheckRunner(four(act), clock, limit_s=2).run(REPORT, EVIDENCE))
    await clock.advance(seconds)
    results = await running
    assert results.keys() == set(CheckBit)
    assert all(result == PASSED for bit, result in results.items() if bit is not CheckBit.EXECUTION_BAND)
    return results[CheckBit.EXECUTION_BAND]


async def test_each_says_its_own() -> None:
    async def fails() -> CheckResult:
        return failed("too dear")

    assert await third(fails, ManualClock()) == failed("too dear")


@pytest.mark.parametrize(
    "error", [RuntimeError("gone"), OSError("gone"), ZeroDivisionError("gone"), AssertionError("gone")]
)
async def test_what_raises_does_not_pass(error: Exception) -> None:
    async def raises() -> CheckResult:
        raise error

    result = await third(raises, ManualClock())
    assert result.status is CheckStatus.INSUFFICIENT
    assert result.detail == f"check 4: {type(error).__name__}: gone"


async def test_what_raises_before_it_waits_does_not_pass_either() -> None:
    class Broken(Scripted):
        def evaluate(self, report: ExecutionReport, evidence: ExecutionEvidence) -> Any:
            raise RuntimeError("no coroutine")

    checks = [Scripted(bit) for bit in CheckBit if bit is not CheckBit.SETTLEMENT]
    results = await CheckRunner([*checks, Broken(CheckBit.SETTLEMENT)], ManualClock()).run(REPORT, EVIDENCE)
    assert results[CheckBit.SETTLEMENT].status is CheckStatus.INSUFFICIENT


async def test_what_its_source_cancels_does_not_pass() -> None:
    async def cancelled() -> CheckResult:
        raise asyncio.CancelledError

    assert (await third(cancelled, ManualClock())).status is CheckStatus.INSUFFICIENT


@pytest.mark.parametrize(("seconds", "status"), [(1.999, CheckStatus.PASSED), (2.001, CheckStatus.INSUFFICIENT)])
async def test_a_check_has_so_much_time(seconds: float, status: CheckStatus) -> None:
    clock = ManualClock()

    async def slow() -> CheckResult:
        await clock.sleep(seconds)
        return PASSED

    assert (await third(slow, clock, 3)).status is status


async def test_what_is_seen_too_late_is_too_late() -> None:
    class Stalled(ManualClock):
        """The loop is held up, and wakes up with the check done and the time over."""

        def __init__(self) -> None:
            super().__init__()
            self.times = iter([0.0, 2.001])

        def monotonic(self) -> float:
            return next(self.times, 2.001)

    runner = CheckRunner([Scripted(bit) for bit in CheckBit], Stalled(), limit_s=2)
    results = await runner.run(REPORT, EVIDENCE)
    assert results[CheckBit.ORACLE_CERTIFICATE].status is CheckStatus.INSUFFICIENT


async def test_a_check_that_cannot_be_stopped_is_not_waited_for() -> None:
    clock, release = ManualClock(), asyncio.Event()
    ended: list[str] = []

    async def stubborn() -> CheckResult:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        ended.append("ended")
        return PASSED

    assert (await third(stubborn, clock, 3)).status is CheckStatus.INSUFFICIENT
    assert ended == []
    release.set()
    await clock.advance(0)
    assert ended == ["ended"]


async def test_who_is_cancelled_stops_its_checks() -> None:
    clock = ManualClock()
    stopped: list[str] = []

    async def waits() -> CheckResult:
        try:
            await clock.sleep(60)
        except asyncio.CancelledError:
            stopped.append("stopped")
            raise
        return PASSED

    running = asyncio.create_task(CheckRunner(four(waits), clock).run(REPORT, EVIDENCE))
    await clock.advance(1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await clock.advance(0)
    assert stopped == ["stopped"]


@pytest.mark.parametrize(
    "bits",
    [
        [],
        [CheckBit.ORACLE_CERTIFICATE, CheckBit.GUARDIAN_CERTIFICATE, CheckBit.EXECUTION_BAND],
        [*CheckBit, CheckBit.SETTLEMENT],
        [CheckBit.SETTLEMENT] * 4,
    ],
)
def test_other_than_the_four_are_refused_at_the_start(bits: list[CheckBit]) -> None:
    with pytest.raises(VerdictError, match="there must be one each of ORACLE_CERTIFICATE, GUARDIAN_CERTIFICATE"):
        CheckRunner([Scripted(bit) for bit in bits], ManualClock())


@pytest.mark.parametrize("limit_s", [0, -1.0, float("nan")])
def test_a_limit_that_is_none_is_refused(limit_s: float) -> None:
    with pytest.raises(VerdictError, match="limit_s"):
        CheckRunner([Scripted(bit) for bit in CheckBit], ManualClock(), limit_s=limit_s)
