"""Safety control as an evaluator of proposals: while the node is halted, nothing is approved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from noderr.guardian_consensus.evaluator import Verdict, approve, reject
from noderr.guardian_consensus.veto import Veto
from noderr.risk_engine import TradingState
from noderr.safety_control.standing import Mode, Standing
from noderr.types.consensus.trade_proposal import TradeProposal


class Safety(Protocol):
    """`SafetyService`, or its controller."""

    async def look(self) -> Standing:
        """What may be traded at this moment. Raises nothing."""


class SafetyEvaluator:
    """Whether an order only reduces the gate knows, and gets `state` for it; here the mode decides."""

    def __init__(self, safety: Safety) -> None:
        self._safety = safety

    async def evaluate(self, proposal: TradeProposal) -> Verdict:
        standing = await self._safety.look()
        report = {"mode": standing.mode, "trading": standing.state}
        if standing.mode not in (Mode.PAPER, Mode.LIVE):
            return reject(Veto.SAFETY, report | {"reasons": standing.reasons})
        return approve(report)

    async def state(self) -> TradingState:
        """How much may be traded at this moment."""
        return (await self._safety.look()).state

    def missing(self) -> Sequence[str]:
        """Its service says it."""
        return ()
