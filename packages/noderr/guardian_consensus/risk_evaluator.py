"""The gate as an evaluator of proposals: the pinned limits, the pinned portfolio, and what was approved here before."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence

from noderr.guardian_consensus.evaluator import Verdict, approve, reject
from noderr.guardian_consensus.veto import NO_VETO, Veto
from noderr.risk_engine import Decision, PortfolioSnapshot, PreTradeGate, ReasonCode, TradingState
from noderr.risk_engine.flow import Approved, OrderFlow
from noderr.risk_engine.flow_store import FlowStore
from noderr.telemetry import NodeMetrics
from noderr.types.consensus.trade_proposal import TradeProposal
from noderr.utils import Clock

_SNAPSHOTS = 32
_STALE = frozenset({ReasonCode.SNAPSHOT_STALE, ReasonCode.SNAPSHOT_FROM_FUTURE})


class SnapshotBook:
    """The newest portfolios of each sender, by digest: who sends many pushes out its own only. A feed adds to it."""

    def __init__(self) -> None:
        self._known: dict[str, OrderedDict[bytes, PortfolioSnapshot]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._known.values()))

    def add(self, sender: str, snapshot: PortfolioSnapshot) -> None:
        """`sender` is one of few that are known: nothing bounds how many there are."""
        newest = self._known.setdefault(sender, OrderedDict())
        newest[snapshot.digest] = snapshot
        newest.move_to_end(snapshot.digest)
        while len(newest) > _SNAPSHOTS:
            newest.popitem(last=False)

    def get(self, digest: bytes) -> PortfolioSnapshot | None:
        return next((newest[digest] for newest in self._known.values() if digest in newest), None)


class RiskEvaluator:
    """Approves what the gate approves, and writes it down first: the next proposal is judged with it in mind.

    So the clock and what was approved before can turn an approval into a rejection, and nothing the other way round.
    Orders of one agreed signal are children of one parent. An approval that the other evaluators overrule counts here
    all the same: whether a trade comes about is known to others first.
    """

    def __init__(
        self,
        gate: PreTradeGate,
        snapshots: SnapshotBook,
        state: Callable[[], Awaitable[TradingState]],
        flow: OrderFlow,
        store: FlowStore,
        *,
        metrics: NodeMetrics,
        clock: Clock,
    ) -> None:
        """`flow` holds what `store` does; `state` says how much may be traded."""
        self._gate = gate
        self._snapshots = snapshots
        self._state = state
        self._flow = flow
        self._store = store
        self._metrics = metrics
        self._clock = clock

    async def evaluate(self, proposal: TradeProposal) -> Verdict:
        """Raises `StoreError` when an approval cannot be written down."""
        if proposal.ruleset != self._gate.limits.digest:
            return reject(Veto.UNKNOWN_RULESET, {"ruleset": self._gate.limits.digest})
        snapshot = self._snapshots.get(proposal.snapshot)
        if snapshot is None:
            return reject(Veto.UNKNOWN_SNAPSHOT, {"snapshot": proposal.snapshot})
        state = await self._state()
        now_ns, parent = self._clock.now_ns(), proposal.signal.agreed_signal.hex()
        decision = self._gate.check(proposal.order, snapshot, now_ns, flow=self._flow, state=state, parent=parent)
        self._count(decision)
        if not decision.approved or decision.worst_price is None:
            return reject(_veto(decision), _report(decision))
        approved = Approved(now_ns, proposal.order, decision.worst_price, parent)
        # Before anything is awaited: a second proposal must not pass while this one is being written.
        self._flow.record(approved)
        await self._store.add(approved)
        return approve(_report(decision))

    def missing(self) -> Sequence[str]:
        return () if len(self._snapshots) else ("no portfolio has come from a validator yet: no order passes",)

    def _count(self, decision: Decision) -> None:
        self._metrics.risk_decisions.labels(decision.outcome.value).inc()
        for code in {reason.code for reason in decision.reasons}:
            self._metrics.risk_denials.labels(code.value).inc()


def _veto(decision: Decision) -> Veto:
    codes = NO_VETO
    for reason in decision.reasons:
        if reason.code in _STALE:
            codes |= Veto.STALE_SNAPSHOT
        elif reason.code is ReasonCode.UNKNOWN_INSTRUMENT:
            codes |= Veto.UNKNOWN_INSTRUMENT
        elif reason.code is ReasonCode.TRADING_HALTED:
            codes |= Veto.SAFETY
        else:
            codes |= Veto.RISK
    return codes or Veto.RISK


def _report(decision: Decision) -> Mapping[str, object]:
    return {
        "outcome": decision.outcome,
        "snapshot": decision.snapshot_digest,
        "ruleset": decision.limits_digest,
        "reasons": [
            {"code": each.code, "observed": each.observed, "limit": each.limit, "unit": each.unit}
            for each in decision.reasons
        ],
    }
