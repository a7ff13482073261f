"""The guardians' consensus as a part of their node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from noderr.core.consensus.handover import APPROVAL_TOPIC, GUARDIAN_PERIOD_NS, PROPOSAL_TOPIC
from noderr.core.consensus.routes import CONSENSUS_OPERATIONS, consensus_routes
from noderr.core.consensus.service import ConsensusService
from noderr.core.consensus.subject_rounds import Announcement, SubjectRounds
from noderr.core.consensus.voter import ProtocolFacts, Voter
from noderr.core.parts import NodeContext, TierParts, combine
from noderr.guardian_consensus.evaluator import AllOf, Evaluator, Refusing
from noderr.guardian_consensus.paper_only import PaperOnly
from noderr.guardian_consensus.proposal_rules import ProposalRules
from noderr.guardian_consensus.risk_service import RiskService
from noderr.guardian_consensus.safety_evaluator import SafetyEvaluator
from noderr.safety_control.parts import safety_parts
from noderr.safety_control.service import SafetyService
from noderr.types.consensus import Choice, Signed
from noderr.types.consensus.proposal_request import ProposalRequest, proposal_request_from_wire
from noderr.types.consensus.trade_proposal import TradeProposal
from noderr.types.tier_numbers import VALIDATOR_TIER

# Proposals of one executor: as many as portfolios of it are kept.
_MOST_OF_ONE = 32


@dataclass(frozen=True, slots=True)
class RequestedTrade:
    """The subject of a round: votes are on the proposal; `signed` is what its executor said, with the proof."""

    signed: Signed[ProposalRequest]

    @property
    def proposal(self) -> TradeProposal:
        return self.signed.message.proposal

    @property
    def epoch(self) -> int:
        return self.proposal.epoch

    @property
    def round(self) -> int:
        return self.proposal.round

    @property
    def topic(self) -> bytes:
        return self.proposal.topic

    @property
    def digest(self) -> bytes:
        return self.proposal.digest

    @property
    def expires_at_s(self) -> int:
        return self.proposal.expires_at_s

    @property
    def author(self) -> bytes:
        return self.signed.signer


class ProposalJudge:
    """Votes are what the evaluator says of a proposal that follows from the oracles' signal."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator

    def decode(self, content: bytes) -> RequestedTrade:
        """Raises `RefusedMessage`."""
        return RequestedTrade(proposal_request_from_wire(content))

    def check(self, subject: RequestedTrade, voter: Voter) -> None:
        """Validators may propose, each its own trades: no other peer opens a round. Raises `RefusedMessage`."""
        _rules(voter).check(subject.signed)

    async def judge(self, subject: RequestedTrade, voter: Voter) -> tuple[Choice, int]:
        verdict = _rules(voter).veto(subject.signed.message, voter.clock.now_ns())
        if verdict is None:
            verdict = await self._evaluator.evaluate(subject.proposal)
        return verdict.choice, int(verdict.codes)

    def missing(self) -> Sequence[str]:
        return self._evaluator.missing()


def _rules(voter: Voter) -> ProposalRules:
    return ProposalRules.of(voter.membership, voter.context.signatures)


def proposal_rounds(node: NodeContext, judge: ProposalJudge) -> SubjectRounds[RequestedTrade]:
    """The rounds that executors' proposals open; the validators are told of each decision."""
    announce = Announcement(VALIDATOR_TIER, APPROVAL_TOPIC)
    return SubjectRounds(node, PROPOSAL_TOPIC, judge, most_each=_MOST_OF_ONE, announce=announce)


def consensus_parts(node: NodeContext, evaluator: Evaluator | None = None) -> TierParts:
    """The service `guardian-consensus` and `/api/v1/consensus`. Without an evaluator every trade is rejected."""
    facts = ProtocolFacts(tier="guardian", period_ns=GUARDIAN_PERIOD_NS, keep=256)
    judge = ProposalJudge(evaluator or Refusing("the risk gate"))
    source = proposal_rounds(node, judge)
    service = ConsensusService(node, facts, source)
    return TierParts(services=[service], routes=consensus_routes(service.describe), operations=CONSENSUS_OPERATIONS)


def guardian_parts(node: NodeContext) -> TierParts:
    """All of a guardian: the consensus, the gate, and safety control. There is no compliance yet: only paper passes."""
    safety = SafetyService(node)
    halts = SafetyEvaluator(safety)
    risk = RiskService(node, halts.state)
    evaluator = AllOf(risk=risk, compliance=PaperOnly(safety), safety=halts, clock=node.clock)
    return combine(safety_parts(safety), TierParts(services=[risk]), consensus_parts(node, evaluator))
