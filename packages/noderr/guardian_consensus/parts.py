"""The guardians' consensus as a part of their node."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.message import DecodeError

from noderr.core.consensus.handover import APPROVAL_TOPIC, GUARDIAN_PERIOD_NS, PROPOSAL_TOPIC
from noderr.core.consensus.routes import CONSENSUS_OPERATIONS, consensus_routes
from noderr.core.consensus.service import ConsensusService
from noderr.core.consensus.subject_rounds import Announcement, SubjectRounds
from noderr.core.consensus.voter import ProtocolFacts, Voter
from noderr.core.parts import NodeContext, TierParts, combine
from noderr.guardian_consensus.evaluator import AllOf, Evaluator, Refusing
from noderr.guardian_consensus.paper_only import PaperOnly
from noderr.guardian_consensus.risk_service import RiskService
from noderr.guardian_consensus.safety_evaluator import SafetyEvaluator
from noderr.safety_control.parts import safety_parts
from noderr.safety_control.service import SafetyService
from noderr.types.consensus import Choice, Reason, RefusedMessage
from noderr.types.consensus.trade_proposal import TradeProposal, trade_proposal_from_wire
from noderr.types.errors import TypesError
from noderr.types.tier_numbers import VALIDATOR_TIER
from noderr.types.wire import guardian_pb2 as pb


class ProposalJudge:
    """Votes are what the evaluator says."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator

    def decode(self, content: bytes) -> TradeProposal:
        """Raises `RefusedMessage`."""
        try:
            return trade_proposal_from_wire(pb.TradeProposal.FromString(content))
        except (DecodeError, TypesError) as error:
            raise RefusedMessage(Reason.MALFORMED, f"no trade proposal: {error}") from error

    def check(self, subject: TradeProposal, voter: Voter) -> None:
        """Anybody on the peer list may propose: what is wrong with a proposal, the evaluator says."""

    async def judge(self, subject: TradeProposal, voter: Voter) -> tuple[Choice, int]:
        verdict = await self._evaluator.evaluate(subject)
        return verdict.choice, int(verdict.codes)

    def missing(self) -> Sequence[str]:
        return self._evaluator.missing()


def consensus_parts(node: NodeContext, evaluator: Evaluator | None = None) -> TierParts:
    """The service `guardian-consensus` and `/api/v1/consensus`. Without an evaluator every trade is rejected."""
    facts = ProtocolFacts(tier="guardian", period_ns=GUARDIAN_PERIOD_NS, keep=256)
    judge = ProposalJudge(evaluator or Refusing("the risk gate"))
    source = SubjectRounds(node, PROPOSAL_TOPIC, judge, announce=Announcement(VALIDATOR_TIER, APPROVAL_TOPIC))
    service = ConsensusService(node, facts, source)
    return TierParts(services=[service], routes=consensus_routes(service.describe), operations=CONSENSUS_OPERATIONS)


def guardian_parts(node: NodeContext) -> TierParts:
    """All of a guardian: the consensus, the gate, and safety control. There is no compliance yet: only paper passes."""
    safety = SafetyService(node)
    halts = SafetyEvaluator(safety)
    risk = RiskService(node, halts.state)
    evaluator = AllOf(risk=risk, compliance=PaperOnly(safety), safety=halts, clock=node.clock)
    return combine(safety_parts(safety), TierParts(services=[risk]), consensus_parts(node, evaluator))
