"""A guardian's node put together: what it serves, what it lacks, and what it says of a proposal with all its gates."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from noderr.core.service import Service
from noderr.guardian_consensus.evaluator import AllOf, Refusing, Verdict, approve
from noderr.guardian_consensus.parts import guardian_parts
from noderr.guardian_consensus.proposal_testing import proposal
from noderr.guardian_consensus.risk_service import RiskService
from noderr.guardian_consensus.safety_evaluator import SafetyEvaluator
from noderr.guardian_consensus.veto import Veto
from noderr.risk_engine import LimitsError
from noderr.risk_engine.testing import instrument, limits, order, snapshot
from noderr.safety_control.service import SafetyService
from noderr.safety_control.testing_node import Node
from noderr.types.consensus import Choice
from noderr.types.consensus.trade_proposal import TradeProposal

SENDER = "a validator's node"
LIMITS = {
    "version": 1,
    "currency": "USD",
    "instruments": [
        {
            "group": symbol.partition("/")[0].lower(),
            "max_quantity": "5",
            "instrument": {
                "symbol": symbol,
                "tick_size": "0.01",
                "lot_size": "0.001",
                "min_quantity": "0.001",
                "min_notional": "10",
            },
        }
        for symbol in ("BTC/USD", "ETH/USD")
    ],
}


class Approving:
    """Stands for the compliance that is to come."""

    async def evaluate(self, proposal: TradeProposal) -> Verdict:
        return approve({})

    def missing(self) -> tuple[str, ...]:
        return ()


class Guardian:
    """Safety control and the gate, running, and asked together."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.node = Node(folder, **environ)
        self.safety = self.node.service
        halts = SafetyEvaluator(self.safety)
        self.risk = RiskService(self.node.context, halts.state)
        clock = self.node.clock
        self.with_compliance = AllOf(risk=self.risk, compliance=Approving(), safety=halts, clock=clock)
        self.evaluator = AllOf(risk=self.risk, compliance=Refusing("compliance"), safety=halts, clock=clock)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        services: tuple[Service, ...] = (self.safety, self.risk)
        for service in services:
            await service.start()
        tasks = [asyncio.create_task(service.run()) for service in services]
        try:
            yield
        finally:
            for service in services:
                await service.stop()
            await asyncio.gather(*tasks)


def asked(number: int = 1, **changes: object) -> TradeProposal:
    return copy.replace(
        proposal(number),
        order=order(number, **changes),
        snapshot=snapshot().digest,
        ruleset=limits(instruments=(instrument(), instrument("ETH/USD"))).digest,
    )


@pytest.fixture
def limits_file(tmp_path: Path) -> str:
    path = tmp_path / "limits.json"
    path.write_text(json.dumps(LIMITS))
    return str(path)


def test_the_parts_of_a_guardian(tmp_path: Path) -> None:
    parts = guardian_parts(Node(tmp_path).context)
    assert [service.name for service in parts.services] == ["safety-control", "risk-gate", "guardian-consensus"]
    paths = {route.path for route in parts.routes}
    assert paths == {"/api/v1/safety", "/api/v1/safety/halt", "/api/v1/consensus"}
    assert {operation.path for operation in parts.operations} == paths


async def test_all_three_approve_an_order_within_the_limits(tmp_path: Path, limits_file: str) -> None:
    guardian = Guardian(tmp_path, risk_limits_file=limits_file)
    async with guardian.running():
        guardian.risk.snapshots.add(SENDER, snapshot())
        verdict = await guardian.with_compliance.evaluate(asked())
        assert (verdict.choice, verdict.codes) == (Choice.APPROVE, 0)
        denied = await guardian.with_compliance.evaluate(asked(2, quantity=Decimal("5.001")))
        assert denied.codes == Veto.RISK


async def test_without_compliance_nothing_passes(tmp_path: Path, limits_file: str) -> None:
    guardian = Guardian(tmp_path, risk_limits_file=limits_file)
    async with guardian.running():
        guardian.risk.snapshots.add(SENDER, snapshot())
        assert (await guardian.evaluator.evaluate(asked())).codes == Veto.NO_EVALUATOR


async def test_a_halt_stops_the_next_proposal(tmp_path: Path, limits_file: str) -> None:
    guardian = Guardian(tmp_path, risk_limits_file=limits_file)
    async with guardian.running():
        guardian.risk.snapshots.add(SENDER, snapshot())
        await guardian.safety.halt("http", "smoke")
        assert (await guardian.with_compliance.evaluate(asked())).codes == Veto.SAFETY


async def test_what_was_approved_before_a_restart_counts_after_it(tmp_path: Path, limits_file: str) -> None:
    first = Guardian(tmp_path, risk_limits_file=limits_file)
    async with first.running():
        first.risk.snapshots.add(SENDER, snapshot())
        assert (await first.with_compliance.evaluate(asked())).choice is Choice.APPROVE
    second = Guardian(tmp_path, risk_limits_file=limits_file)
    async with second.running():
        second.risk.snapshots.add(SENDER, snapshot())
        assert (await second.with_compliance.evaluate(asked())).codes == Veto.RISK


async def test_it_says_what_it_lacks(tmp_path: Path, limits_file: str) -> None:
    bare = Guardian(tmp_path)
    async with bare.running():
        assert "NODEOS_RISK_LIMITS_FILE" in bare.risk.missing()[0]
        assert (await bare.risk.evaluate(asked())).codes == Veto.NO_EVALUATOR
    limited = Guardian(tmp_path, risk_limits_file=limits_file)
    assert limited.risk.missing() == ("the risk gate has not started",)
    async with limited.running():
        assert "no portfolio" in limited.risk.missing()[0]
        assert (await limited.risk.evaluate(asked())).codes == Veto.UNKNOWN_SNAPSHOT


async def test_a_file_of_limits_that_is_wrong_starts_nothing(tmp_path: Path) -> None:
    path = tmp_path / "limits.json"
    path.write_text("{}")
    guardian = Guardian(tmp_path, risk_limits_file=str(path))
    with pytest.raises(LimitsError, match="version"):
        await guardian.risk.start()
    assert (await guardian.risk.evaluate(asked())).codes == Veto.NO_EVALUATOR


async def test_a_service_that_is_down_approves_nothing(tmp_path: Path) -> None:
    node = Node(tmp_path)
    evaluator = SafetyEvaluator(SafetyService(node.context))
    assert (await evaluator.evaluate(asked())).codes == Veto.SAFETY
