"""For tests: guardians with real keys, guards and connections, each with its own evaluator, and who asks them."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from noderr.core.consensus.handover import APPROVAL_TOPIC, GUARDIAN_PERIOD_NS, PROPOSAL_TOPIC
from noderr.core.consensus.service import ConsensusService
from noderr.core.consensus.subject_rounds import Announcement, SubjectRounds
from noderr.core.consensus.testing_nodes import VoterNode, voting, write_voters
from noderr.core.consensus.vote_round import VoteRound
from noderr.core.consensus.voter import ProtocolFacts, Voter
from noderr.core.parts import NodeContext
from noderr.core.peers.testing import PeerNode, until
from noderr.guardian_consensus.evaluator import Evaluator, Verdict, approve, reject
from noderr.guardian_consensus.parts import ProposalJudge
from noderr.guardian_consensus.proposal_testing import proposal
from noderr.guardian_consensus.veto import Veto
from noderr.types.consensus import Certificate
from noderr.types.consensus.on_wire import certificate_from_wire
from noderr.types.consensus.trade_proposal import TradeProposal, trade_proposal_to_wire
from noderr.types.tier_numbers import VALIDATOR_TIER
from noderr.types.wire import consensus_pb2

EPOCH = 1
GENESIS_S = int(time.time()) - 10


class Asked:
    """An evaluator that approves or rejects for risk, and never answers for the numbers in `hangs`."""

    def __init__(self, *, approves: bool = True, hangs: Sequence[int] = ()) -> None:
        self.proposals: list[TradeProposal] = []
        self.given_up = 0
        self._approves = approves
        self._hangs = hangs

    async def evaluate(self, proposal: TradeProposal) -> Verdict:
        self.proposals.append(proposal)
        if int.from_bytes(proposal.id, "big") in self._hangs:
            try:
                await asyncio.Event().wait()
            finally:
                self.given_up += 1
        return approve({}) if self._approves else reject(Veto.RISK, {"limit": "position"})

    def missing(self) -> Sequence[str]:
        return ()


class Guardian(VoterNode):
    """A guardian; `voter` is that of its last start."""

    def __init__(self, number: int, folder: Path, evaluator: Evaluator) -> None:
        super().__init__(number, "guardian", folder, self._make)
        self._evaluator = evaluator
        self.voter: Voter | None = None

    def round_of(self, proposal: TradeProposal) -> VoteRound:
        """Its round on this proposal."""
        assert self.voter is not None
        round_ = self.voter.driver.rounds[proposal.round, proposal.id]
        assert isinstance(round_, VoteRound)
        return round_

    def has_opened(self, proposal: TradeProposal) -> bool:
        return self.voter is not None and (proposal.round, proposal.id) in self.voter.driver.rounds

    def refused(self, reason: str) -> float:
        """How many messages it refused for this."""
        return self.peer.sample("noderr_consensus_refused_total", protocol="guardian", reason=reason)

    async def run(self, voter: Voter) -> None:
        """A `RoundSource` around the real one."""
        self.voter = voter
        await self._source.run(voter)

    def missing(self) -> Sequence[str]:
        return self._source.missing()

    def _make(self, node: NodeContext) -> ConsensusService:
        self._source = SubjectRounds(
            node,
            PROPOSAL_TOPIC,
            ProposalJudge(self._evaluator),
            announce=Announcement(VALIDATOR_TIER, APPROVAL_TOPIC),
        )
        return ConsensusService(node, ProtocolFacts(tier="guardian", period_ns=GUARDIAN_PERIOD_NS, keep=256), self)


class Guardians:
    """The nodes, and an executor that is none of them."""

    def __init__(self, folder: Path, evaluators: Sequence[Evaluator], *, round_ms: int) -> None:
        self.nodes = [Guardian(number, folder, evaluator) for number, evaluator in enumerate(evaluators, 1)]
        self.executor = PeerNode(99, "validator")
        self.certificates: list[Certificate] = []
        """What the executor was told."""
        self._round_ms = round_ms
        self.executor.network.on(APPROVAL_TOPIC, self._on_approval)
        write_voters(
            folder, self.nodes, tier="guardian", genesis_unix_s=GENESIS_S, round_ms=round_ms, others=[self.executor]
        )

    @contextlib.asynccontextmanager
    async def voting(self) -> AsyncIterator[None]:
        """Connected and running."""
        async with voting(*self.nodes, others=[self.executor]):
            await until(lambda: all(node.voter is not None for node in self.nodes))
            yield

    async def _on_approval(self, _sender: str, content: bytes) -> None:
        self.certificates.append(certificate_from_wire(consensus_pb2.Certificate.FromString(content)))

    def round_now(self) -> int:
        return (time.time_ns() - GENESIS_S * 10**9) // (self._round_ms * 1_000_000)

    def proposal(self, number: int = 1, *, rounds_ahead: int = 1) -> TradeProposal:
        """A proposal for the next round: nodes that have just started sign nothing of this one."""
        base, now_s = proposal(number), int(time.time())
        order = copy.replace(base.order, created_at_ns=now_s * 10**9)
        return copy.replace(
            base, order=order, epoch=EPOCH, round=self.round_now() + rounds_ahead, expires_at_s=now_s + 60
        )

    async def propose(self, proposal: TradeProposal, to: int = 0) -> None:
        """Hand it to this guardian, and to no other. Raises `PeerRefusedError`."""
        await self.propose_bytes(trade_proposal_to_wire(proposal).SerializeToString(), to)

    async def propose_bytes(self, content: bytes, to: int = 0) -> None:
        await self.executor.network.send(self.nodes[to].peer.identity.node_id, PROPOSAL_TOPIC, content)

    async def all_end(self, proposal: TradeProposal) -> None:
        """Wait until the round on this proposal is over everywhere."""
        await until(
            lambda: all(node.has_opened(proposal) and node.round_of(proposal).status != "open" for node in self.nodes),
            20,
        )
