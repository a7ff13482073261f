"""The service `risk-gate`: reads the operator's limits, remembers what was approved, and judges proposals."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from noderr.core.consensus.handover import TierNodes
from noderr.core.consensus.membership import read_membership
from noderr.core.parts import NodeContext
from noderr.guardian_consensus.evaluator import Verdict, reject
from noderr.guardian_consensus.portfolio_inbox import PortfolioInbox
from noderr.guardian_consensus.risk_evaluator import RiskEvaluator, SnapshotBook
from noderr.guardian_consensus.veto import Veto
from noderr.risk_engine import PreTradeGate, TradingState
from noderr.risk_engine.flow_store import FlowStore
from noderr.risk_engine.limits_file import read_limits
from noderr.types.consensus.trade_proposal import TradeProposal
from noderr.types.tier_numbers import VALIDATOR_TIER

_MS = 1_000_000
_log = structlog.get_logger("noderr.guardian_consensus")


class RiskService:
    """An `Evaluator` that is there once it has started; before, and without limits, it rejects everything."""

    name = "risk-gate"
    critical = False
    requires: tuple[str, ...] = ()

    def __init__(self, node: NodeContext, state: Callable[[], Awaitable[TradingState]]) -> None:
        """`state` says how much may be traded."""
        self._node = node
        self._state = state
        self._evaluator: RiskEvaluator | None = None
        self._store: FlowStore | None = None
        self._stopping = asyncio.Event()
        self.snapshots = SnapshotBook()
        self._inbox = PortfolioInbox(node.peers, self.snapshots)

    async def start(self) -> None:
        """Raises `LimitsError`, `MembershipError` and `StoreError`."""
        self._stopping.clear()
        if (voters_file := self._node.settings.voters_file) is not None:
            membership = await asyncio.to_thread(read_membership, voters_file)
            self._inbox.validators = TierNodes(self._node.peers, membership, VALIDATOR_TIER)
        path = self._node.settings.risk_limits_file
        if path is None:
            return
        gate = PreTradeGate(await asyncio.to_thread(read_limits, path))
        # Executors name it in their proposals.
        _log.info("risk_limits", ruleset="0x" + gate.limits.digest.hex(), version=gate.limits.version)
        store = await asyncio.to_thread(FlowStore, self._node.data_dir, gate.limits.flow_window_ms * _MS)
        self._store = store
        flow = gate.new_flow()
        for approved in await store.load(self._node.clock.now_ns()):
            flow.record(approved)
        self._evaluator = RiskEvaluator(
            gate, self.snapshots, self._state, flow, store, metrics=self._node.metrics, clock=self._node.clock
        )

    async def run(self) -> None:
        await self._stopping.wait()

    async def stop(self) -> None:
        self._stopping.set()
        self._evaluator = None
        store, self._store = self._store, None
        if store is not None:
            await store.close()

    async def evaluate(self, proposal: TradeProposal) -> Verdict:
        """As `RiskEvaluator.evaluate`."""
        if self._evaluator is None:
            return reject(Veto.NO_EVALUATOR, {"missing": "the risk gate"})
        return await self._evaluator.evaluate(proposal)

    def missing(self) -> Sequence[str]:
        if self._node.settings.risk_limits_file is None:
            return ("there are no risk limits: NODEOS_RISK_LIMITS_FILE is not set, and every trade is rejected",)
        if self._evaluator is None:
            return ("the risk gate has not started",)
        return self._evaluator.missing()
