"""A guardian of the replay: the node's own evaluators, gate and safety log, on simulated time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from noderr.core.consensus.actions import Decided, Failed
from noderr.core.consensus.handover import APPROVAL_TOPIC, PORTFOLIO_TOPIC, PROPOSAL_TOPIC
from noderr.core.consensus.round import Round
from noderr.core.consensus.vote_round import VoteRound
from noderr.guardian_consensus.evaluator import AllOf, Verdict
from noderr.guardian_consensus.paper_only import PaperOnly
from noderr.guardian_consensus.proposal_rules import ProposalRules
from noderr.guardian_consensus.risk_evaluator import RiskEvaluator, SnapshotBook
from noderr.guardian_consensus.safety_evaluator import SafetyEvaluator
from noderr.guardian_consensus.veto import Veto, describe_veto
from noderr.risk_engine import PortfolioSnapshot, PreTradeGate, RiskLimits
from noderr.risk_engine.flow_store import FlowStore
from noderr.safety_control.controller import SafetyController
from noderr.safety_control.safety_log import SafetyLog
from noderr.safety_control.standing import Wish
from noderr.telemetry import NodeMetrics
from noderr.types.consensus import Certificate, RefusedMessage, Vote
from noderr.types.consensus.on_wire import certificate_to_wire
from noderr.types.consensus.proposal_request import proposal_request_from_wire
from noderr.types.consensus.trade_proposal import TradeProposal
from noderr.types.tier_numbers import ORACLE_TIER, VALIDATOR_TIER
from noderr.types.trading.portfolio_on_wire import portfolio_from_wire
from noderr.types.wire import trading_pb2
from tests.loop.journal import ReplayJournal
from tests.loop.links import Links
from tests.loop.membership import Member, Network
from tests.loop.seat import Seat

_RESEND_NS = 500_000_000
_SECOND_NS = 1_000_000_000
_MS = 1_000_000


class Guardian:
    """`limits` are its operator's. Each sends the certificate to the validator that proposed."""

    def __init__(
        self,
        member: Member,
        limits: RiskLimits,
        folder: Path,
        links: Links,
        journal: ReplayJournal,
        metrics: NodeMetrics,
        network: Network,
        make_seat: Callable[[Member, Callable[[Round, Decided | Failed], None]], Seat],
    ) -> None:
        clock = links.timeline
        self.name = member.name
        self.approved: list[Certificate] = []
        self._links = links
        self._journal = journal
        self._clock = clock
        self._seat = make_seat(member, self._ended)
        self._rules = ProposalRules(
            executors=network.voters(VALIDATOR_TIER),
            oracles=network.voters(ORACLE_TIER),
            domain=network.domain,
            signatures=self._seat.context.signatures,
        )
        self._proposers: dict[bytes, tuple[str, TradeProposal]] = {}
        self._snapshots = SnapshotBook()
        self._safety_log = SafetyLog(folder)
        self._store = FlowStore(folder, limits.flow_window_ms * _MS)
        safety = SafetyController(self._safety_log, Wish(False, None, member.key.address), lambda: None, clock)
        halts = SafetyEvaluator(safety)
        gate = PreTradeGate(limits)
        risk = RiskEvaluator(
            gate, self._snapshots, halts.state, gate.new_flow(), self._store, metrics=metrics, clock=clock
        )
        self._evaluator = AllOf(risk=risk, compliance=PaperOnly(safety), safety=halts, clock=clock)
        links.on(self.name, PORTFOLIO_TOPIC, self._on_portfolio)
        links.on(self.name, PROPOSAL_TOPIC, self._on_proposal)

    def close(self) -> None:
        for store in (self._store, self._safety_log):
            self._clock.await_(store.close())

    def _on_portfolio(self, sender: str, content: bytes) -> None:
        portfolio = portfolio_from_wire(trading_pb2.Portfolio.FromString(content))
        self._snapshots.add(sender, PortfolioSnapshot.of(portfolio))

    def _on_proposal(self, sender: str, content: bytes) -> None:
        signed = proposal_request_from_wire(content)
        try:
            self._rules.check(signed)
        except RefusedMessage as refused:
            self._journal.add(
                self._clock.now_ns(), self.name, "refused", reason=refused.reason.value, detail=str(refused)
            )
            return
        proposal = signed.message.proposal
        self._proposers[proposal.topic] = (sender, proposal)
        round_ = VoteRound(
            self._seat.context,
            round_=proposal.round,
            topic=proposal.topic,
            deadline_ns=proposal.expires_at_s * _SECOND_NS,
            resend_ns=_RESEND_NS,
        )
        self._seat.open(round_)
        verdict = self._rules.veto(signed.message, self._clock.now_ns())
        if verdict is None:
            verdict = self._clock.await_(self._evaluator.evaluate(proposal))
        self._journal.add(
            self._clock.now_ns(),
            self.name,
            "guardian-vote",
            trade=proposal.id,
            choice=verdict.choice.name,
            codes=int(verdict.codes),
            reasons=[*describe_veto(Veto(verdict.codes)), *_risk_codes(verdict)],
            report_sha256=verdict.report_digest,
        )
        vote = Vote(
            tier=proposal.tier,
            epoch=proposal.epoch,
            round=proposal.round,
            topic=proposal.topic,
            subject=proposal.digest,
            choice=verdict.choice,
            codes=int(verdict.codes),
            expires_at_s=proposal.expires_at_s,
        )
        self._seat.do(round_, round_.vote(vote))

    def _ended(self, round_: Round, end: Decided | Failed) -> None:
        proposer, proposal = self._proposers[round_.topic]
        if isinstance(end, Failed):
            self._journal.add(
                self._clock.now_ns(), self.name, "guardian-round-failed", trade=proposal.id, failure=end.failure
            )
            return
        self.approved.append(end.certificate)
        content = certificate_to_wire(end.certificate).SerializeToString()
        self._links.send(self.name, proposer, APPROVAL_TOPIC, content)


def _risk_codes(verdict: Verdict) -> list[str]:
    """What the gate found, by its own names."""
    parts = json.loads(verdict.report).get("parts")
    return [] if parts is None else [one["code"] for one in parts["risk"]["report"].get("reasons", [])]
