"""The third check: was what was ordered traded, at prices that were there, for the fees that are charged?"""

from __future__ import annotations

from noderr.types.consensus.execution import ExecutionReport
from noderr.types.trading import Fill
from noderr.validator_consensus.checks import (
    PASSED,
    CheckBit,
    CheckResult,
    ExecutionEvidence,
    failed,
    insufficient,
)
from noderr.validator_consensus.order_rules import broken_rules
from noderr.validator_consensus.price_band import BandLimits, BandSource, FeeSchedule

_MILLISECOND_NS = 1_000_000


class ExecutionBandCheck:
    """Needs nothing but the report and this validator's own data."""

    name = "execution band"
    bit = CheckBit.EXECUTION_BAND

    def __init__(self, bands: BandSource, fees: FeeSchedule, limits: BandLimits | None = None) -> None:
        self._bands = bands
        self._fees = fees
        self._limits = limits or BandLimits()

    async def evaluate(self, report: ExecutionReport, evidence: ExecutionEvidence) -> CheckResult:
        execution = report.execution
        skew_ns = self._limits.clock_skew_ms * _MILLISECOND_NS
        broken = next(broken_rules(execution.order, execution.fills, skew_ns), None)
        if broken is not None:
            return failed(broken)
        missing: CheckResult | None = None
        for fill in execution.fills:
            problem, unknown = await self._judge(fill)
            if problem is not None:
                # One fill that is wrong says more than another that nobody knows.
                return failed(problem)
            if unknown is not None and missing is None:
                missing = insufficient(unknown)
        return missing or PASSED

    async def _judge(self, fill: Fill) -> tuple[str | None, str | None]:
        """What is wrong with it, and what is not known of it."""
        name = f"fill {fill.fill_id} of {fill.venue}"
        window_ns = self._limits.window_ms * _MILLISECOND_NS
        band = await self._bands.band(fill.venue, fill.symbol, fill.at_ns - window_ns, fill.at_ns + window_ns)
        if band is not None and not band.holds(fill.price, self._limits.tolerance_bps):
            return f"{name} was at {fill.price}, and prices were {band.low} to {band.high}", None
        bounds = await self._fees.fees(fill)
        if bounds is not None and not bounds.holds(fill.fee):
            return f"{name} cost {fill.fee}, and {bounds.least} to {bounds.most} is charged", None
        if band is None:
            return None, f"no price was recorded around {name}"
        return None, None if bounds is not None else f"what {name} should cost is not known"
