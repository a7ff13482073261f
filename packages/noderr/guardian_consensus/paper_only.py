"""Stands where compliance is missing: trades on paper pass, since nobody owns or owes by them; no other does."""

from __future__ import annotations

from collections.abc import Sequence

from noderr.guardian_consensus.evaluator import Verdict, approve, reject
from noderr.guardian_consensus.safety_evaluator import Safety
from noderr.guardian_consensus.veto import Veto
from noderr.safety_control.standing import Mode
from noderr.types.consensus.trade_proposal import TradeProposal


class PaperOnly:
    """An `Evaluator`. The mode is this guardian's own, as its safety log and its settings say at this moment."""

    def __init__(self, safety: Safety) -> None:
        self._safety = safety

    async def evaluate(self, proposal: TradeProposal) -> Verdict:
        mode = (await self._safety.look()).mode
        report = {"mode": mode, "missing": "compliance"}
        return approve(report) if mode is Mode.PAPER else reject(Veto.NO_EVALUATOR, report)

    def missing(self) -> Sequence[str]:
        """Nothing, on paper; its package is among those that `/ready` misses."""
        return ()
