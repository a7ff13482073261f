"""Without compliance only paper passes."""

from __future__ import annotations

import pytest

from noderr.guardian_consensus.paper_only import PaperOnly
from noderr.guardian_consensus.proposal_testing import proposal
from noderr.guardian_consensus.veto import Veto
from noderr.risk_engine import TradingState
from noderr.safety_control.standing import Mode, Standing
from noderr.types.consensus import Choice


class Looks:
    def __init__(self, mode: Mode) -> None:
        self._mode = mode

    async def look(self) -> Standing:
        return Standing(self._mode, TradingState.HALTED if self._mode is Mode.HALTED else TradingState.ACTIVE)


@pytest.mark.parametrize("mode", list(Mode))
async def test_only_paper_passes(mode: Mode) -> None:
    verdict = await PaperOnly(Looks(mode)).evaluate(proposal())
    if mode is Mode.PAPER:
        assert (verdict.choice, verdict.codes) == (Choice.APPROVE, 0)
    else:
        assert (verdict.choice, verdict.codes) == (Choice.REJECT, Veto.NO_EVALUATOR)
