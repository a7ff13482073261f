"""The gate as an evaluator: only the pinned limits and portfolio, and never twice what may be had once."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from noderr.guardian_consensus.proposal_testing import proposal
from noderr.guardian_consensus.risk_evaluator import RiskEvaluator, SnapshotBook
from noderr.guardian_consensus.veto import NO_VETO, Veto
from noderr.risk_engine import PortfolioSnapshot, PreTradeGate, RiskLimits, TradingState
from noderr.risk_engine.flow_store import FlowStore
from noderr.risk_engine.testing import NOW_NS, SECOND_NS, limits, order, position, snapshot
from noderr.telemetry import NodeMetrics
from noderr.types.consensus import Choice
from noderr.types.consensus.trade_proposal import TradeProposal
from noderr.types.trading import Side
from noderr.utils import ManualClock, StoreError

SENDER = "a validator's node"
STALE = {"as_of_ns": NOW_NS - 31 * SECOND_NS}


class Guardian:
    """An evaluator that has the usual portfolio."""

    def __init__(
        self,
        folder: Path,
        of: RiskLimits | None = None,
        *,
        state: TradingState = TradingState.ACTIVE,
        portfolios: Sequence[PortfolioSnapshot] = (snapshot(),),
    ) -> None:
        self.gate = PreTradeGate(of or limits())
        self.clock = ManualClock(NOW_NS)
        self.store = FlowStore(folder, 3_600 * SECOND_NS)
        self.snapshots = SnapshotBook()
        for portfolio in portfolios:
            self.snapshots.add(SENDER, portfolio)
        self.registry = CollectorRegistry()
        self.state = state
        self.evaluator = RiskEvaluator(
            self.gate,
            self.snapshots,
            self._state,
            self.gate.new_flow(),
            self.store,
            metrics=NodeMetrics(self.registry, tier="guardian", version="1.2.3"),
            clock=self.clock,
        )

    async def _state(self) -> TradingState:
        return self.state

    def asks(self, number: int = 1, portfolio: dict[str, Any] | None = None, **changes: Any) -> TradeProposal:
        """A proposal on this guardian's limits."""
        return copy.replace(
            proposal(number),
            order=order(number, **changes),
            snapshot=snapshot(**portfolio or {}).digest,
            ruleset=self.gate.limits.digest,
        )

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0


async def test_what_the_gate_approves_is_approved_and_written_down(tmp_path: Path) -> None:
    guardian = Guardian(tmp_path)
    verdict = await guardian.evaluator.evaluate(guardian.asks())
    assert (verdict.choice, verdict.codes) == (Choice.APPROVE, NO_VETO)
    assert json.loads(verdict.report)["snapshot"] == "0x" + snapshot().digest.hex()
    [kept] = await guardian.store.load(NOW_NS)
    assert (kept.order, kept.parent) == (order(1), guardian.asks().signal.agreed_signal.hex())
    assert guardian.count("noderr_risk_decisions_total", outcome="approved") == 1
    await guardian.store.close()


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"snapshot": b"\4" * 32}, Veto.UNKNOWN_SNAPSHOT),
        ({"ruleset": b"\5" * 32}, Veto.UNKNOWN_RULESET),
        ({"order": order(quantity=Decimal(6))}, Veto.RISK),
        ({"order": order(symbol="DOGE/USD")}, Veto.RISK | Veto.UNKNOWN_INSTRUMENT),
        ({"snapshot": snapshot(**STALE).digest}, Veto.STALE_SNAPSHOT),
    ],
)
async def test_a_rejection_says_why(tmp_path: Path, changes: dict[str, Any], codes: Veto) -> None:
    guardian = Guardian(tmp_path)
    guardian.snapshots.add(SENDER, snapshot(**STALE))
    verdict = await guardian.evaluator.evaluate(copy.replace(guardian.asks(), **changes))
    assert (verdict.choice, verdict.codes) == (Choice.REJECT, codes)
    assert await guardian.store.load(NOW_NS) == []
    await guardian.store.close()


async def test_the_report_names_code_figure_limit_and_unit(tmp_path: Path) -> None:
    guardian = Guardian(tmp_path, limits(order_notional=Decimal("99.5")))
    verdict = await guardian.evaluator.evaluate(guardian.asks())
    [reason] = json.loads(verdict.report)["reasons"]
    assert reason == {"code": "notional-too-large", "observed": "100", "limit": "99.5", "unit": "USD"}
    assert guardian.count("noderr_risk_denials_total", reason="notional-too-large") == 1
    await guardian.store.close()


async def test_halted_and_reducing_come_from_safety_control(tmp_path: Path) -> None:
    guardian = Guardian(tmp_path, state=TradingState.HALTED)
    assert (await guardian.evaluator.evaluate(guardian.asks())).codes == Veto.SAFETY
    guardian.state = TradingState.REDUCING
    assert (await guardian.evaluator.evaluate(guardian.asks())).codes == Veto.RISK
    held = {"positions": (position("BTC/USD", "1"),)}
    guardian.snapshots.add(SENDER, snapshot(**held))
    verdict = await guardian.evaluator.evaluate(guardian.asks(portfolio=held, side=Side.SELL))
    assert verdict.choice is Choice.APPROVE
    await guardian.store.close()


async def test_proposals_that_come_at_once_do_not_pass_a_limit_together(tmp_path: Path) -> None:
    # Each takes 4 % of the equity, and 10 % may be held.
    guardian = Guardian(tmp_path)
    asked = [guardian.asks(number, quantity=Decimal(4), limit_price=Decimal(99 + number)) for number in range(1, 5)]
    verdicts = await asyncio.gather(*(guardian.evaluator.evaluate(each) for each in asked))
    assert [verdict.choice for verdict in verdicts] == [Choice.APPROVE] * 2 + [Choice.REJECT] * 2
    await guardian.store.close()


async def test_one_agreed_signal_has_so_many_orders_and_no_more(tmp_path: Path) -> None:
    guardian = Guardian(tmp_path, limits(children=3))
    choices = []
    for number in range(1, 6):
        price = Decimal(100) + Decimal(number) / 100
        verdict = await guardian.evaluator.evaluate(guardian.asks(number, quantity=Decimal("0.1"), limit_price=price))
        choices.append(verdict.choice)
    assert choices == [Choice.APPROVE] * 3 + [Choice.REJECT] * 2
    await guardian.store.close()


async def test_what_cannot_be_written_down_is_not_approved_and_still_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guardian = Guardian(tmp_path)

    async def refuse(_approved: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(guardian.store, "add", refuse)
        with pytest.raises(StoreError):
            await guardian.evaluator.evaluate(guardian.asks())
    assert (await guardian.evaluator.evaluate(guardian.asks())).codes == Veto.RISK
    await guardian.store.close()


async def test_it_says_that_no_portfolio_has_come(tmp_path: Path) -> None:
    guardian = Guardian(tmp_path, portfolios=())
    assert "no portfolio" in guardian.evaluator.missing()[0]
    guardian.snapshots.add(SENDER, snapshot())
    assert guardian.evaluator.missing() == ()
    await guardian.store.close()


def test_the_book_of_portfolios_is_bounded() -> None:
    book = SnapshotBook()
    all_of_them = [snapshot(as_of_ns=NOW_NS + number) for number in range(100)]
    for each in all_of_them:
        book.add(SENDER, each)
    assert len(book) == 32
    assert book.get(all_of_them[99].digest) == all_of_them[99]
    assert book.get(all_of_them[0].digest) is None
