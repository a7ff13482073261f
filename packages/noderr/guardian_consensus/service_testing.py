"""For tests: guardians with real keys, guards and connections, each with its own evaluator, and who asks them."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import time
from collections.abc import AsyncIterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from noderr.core.consensus.handover import APPROVAL_TOPIC, GUARDIAN_PERIOD_NS, PROPOSAL_TOPIC
from noderr.core.consensus.service import ConsensusService
from noderr.core.consensus.testing_nodes import VoterNode, voting, write_voters
from noderr.core.consensus.trade_testing import SIGNAL
from noderr.core.consensus.vote_round import VoteRound
from noderr.core.consensus.voter import ProtocolFacts, Voter
from noderr.core.parts import NodeContext
from noderr.core.peers.testing import PeerNode, until
from noderr.guardian_consensus.evaluator import Evaluator, Verdict, approve, reject
from noderr.guardian_consensus.parts import ProposalJudge, proposal_rounds
from noderr.guardian_consensus.proposal_testing import proposal
from noderr.guardian_consensus.veto import Veto
from noderr.types.consensus import Certificate, Choice, Signed, Vote, make_certificate, sign, verify_certificate
from noderr.types.consensus.agreed_signal import AgreedSignal, market_topic
from noderr.types.consensus.on_wire import certificate_from_wire
from noderr.types.consensus.proposal_request import ProposalRequest, proposal_request_to_wire
from noderr.types.consensus.signal_decision import SignalDecision
from noderr.types.consensus.trade_proposal import SignalReference, TradeProposal, trade_id
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import AccountKey
from noderr.types.tier_numbers import GUARDIAN_TIER, ORACLE_TIER
from noderr.types.wire import consensus_pb2

EPOCH = 1

DOMAIN = Domain("NodeOS", "1", 31337, b"\xaa" * 20)
"""As `write_voters` has it."""


def account(node: PeerNode) -> AccountKey:
    """That of a node which does not vote here, as `write_voters` has it."""
    return AccountKey(node.identity.public_key)


@lru_cache(maxsize=256)
def decision(number: int, oracle: PeerNode) -> SignalDecision:
    """To buy BTC/USD: what this oracle alone agreed on in its round of this number."""
    agreed = AgreedSignal(observations=b"\x12" * 32, signal=SIGNAL)
    vote = Vote(
        tier=ORACLE_TIER,
        epoch=EPOCH,
        round=number,
        topic=market_topic(SIGNAL.symbol, SIGNAL.horizon_seconds),
        subject=agreed.digest,
        choice=Choice.APPROVE,
        expires_at_s=int(time.time()) + 600,
    )
    return SignalDecision(agreed, make_certificate([sign(vote, account(oracle), DOMAIN)]))


class Asked:
    """An evaluator that approves or rejects for risk, and never answers for the numbers in `hangs`."""

    def __init__(self, *, approves: bool = True, hangs: Sequence[int] = ()) -> None:
        self.proposals: list[TradeProposal] = []
        self.given_up = 0
        self._approves = approves
        self._hangs = hangs

    async def evaluate(self, proposal: TradeProposal) -> Verdict:
        self.proposals.append(proposal)
        if proposal.signal.round in self._hangs:
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
        self._source = proposal_rounds(node, ProposalJudge(self._evaluator))
        return ConsensusService(node, ProtocolFacts(tier="guardian", period_ns=GUARDIAN_PERIOD_NS, keep=256), self)


class Guardians:
    """The nodes, and two executors that are none of them. The oracles are one key, which agrees with itself."""

    def __init__(self, folder: Path, evaluators: Sequence[Evaluator], *, round_ms: int) -> None:
        self.nodes = [Guardian(number, folder, evaluator) for number, evaluator in enumerate(evaluators, 1)]
        self.executor, self.rival, self._oracle = (
            PeerNode(99, "validator"),
            PeerNode(98, "validator"),
            PeerNode(97, "oracle"),
        )
        self.certificates: list[Certificate] = []
        """What the executor was told."""
        self._round_ms = round_ms
        self.genesis_s = int(time.time()) - 38
        """With slots of four seconds one begins in one to two seconds: when all have started."""
        self.executor.network.on(APPROVAL_TOPIC, self._on_approval)
        self.write_voters(folder, self.nodes)

    def write_voters(self, folder: Path, guardians: Sequence[VoterNode]) -> None:
        """The file of a network with these guardians."""
        others = [self.executor, self.rival, self._oracle]
        write_voters(
            folder, guardians, tier="guardian", genesis_unix_s=self.genesis_s, round_ms=self._round_ms, others=others
        )

    @contextlib.asynccontextmanager
    async def voting(self) -> AsyncIterator[None]:
        """Connected and running."""
        async with voting(*self.nodes, others=[self.executor, self.rival]):
            await until(lambda: all(node.voter is not None for node in self.nodes))
            await self.next_slot()
            yield

    async def next_slot(self) -> None:
        """What is a slot ahead when a node starts it may have signed before, for all that it knows: it stays silent."""
        started = self.round_now()
        await until(lambda: self.round_now() > started)

    async def _on_approval(self, _sender: str, content: bytes) -> None:
        self.certificates.append(certificate_from_wire(consensus_pb2.Certificate.FromString(content)))

    def round_now(self) -> int:
        return (time.time_ns() - self.genesis_s * 10**9) // (self._round_ms * 1_000_000)

    def proposal(
        self, number: int = 1, *, rounds_ahead: int = 1, executor: PeerNode | None = None, **changes: Any
    ) -> TradeProposal:
        """A proposal for the next round: it is whole.

        `number` is the oracles' round that it follows from.
        """
        base, now_s = proposal(number), int(time.time())
        signal = SignalReference.of(decision(number, self._oracle).certificate)
        order = copy.replace(base.order, created_at_ns=now_s * 10**9)
        fields: dict[str, Any] = {
            "id": trade_id(signal, account(executor or self.executor).address),
            "order": order,
            "signal": signal,
            "epoch": EPOCH,
            "round": self.round_now() + rounds_ahead,
            "expires_at_s": now_s + 60,
        }
        return copy.replace(base, **(fields | changes))

    def asked(self, proposal: TradeProposal, executor: PeerNode | None = None, **changes: Any) -> bytes:
        """What its executor sends: signed, with the oracles' decision of that round. `changes` are of the request."""
        return proposal_request_to_wire(self.signed(proposal, executor, **changes))

    def signed(
        self, proposal: TradeProposal, executor: PeerNode | None = None, **changes: Any
    ) -> Signed[ProposalRequest]:
        fields: dict[str, Any] = {"proposal": proposal, "decision": decision(proposal.signal.round, self._oracle)}
        return sign(ProposalRequest(**(fields | changes)), account(executor or self.executor), DOMAIN)

    async def propose(self, proposal: TradeProposal, to: int = 0) -> None:
        """Hand it to this guardian, and to no other. Raises `PeerRefusedError`."""
        await self.propose_bytes(self.asked(proposal), to)

    async def propose_bytes(self, content: bytes, to: int = 0) -> None:
        await self.executor.network.send(self.nodes[to].peer.identity.node_id, PROPOSAL_TOPIC, content)

    async def all_end(self, proposal: TradeProposal) -> None:
        """Wait until the round on this proposal is over everywhere."""
        await until(
            lambda: all(node.has_opened(proposal) and node.round_of(proposal).status != "open" for node in self.nodes),
            20,
        )


def prove(guardians: Guardians, proposal: TradeProposal, choice: Choice) -> None:
    """Everybody has a certificate of this choice on just this proposal, which anybody can verify."""
    for node in guardians.nodes:
        certificate = node.round_of(proposal).certificate
        assert certificate is not None
        assert node.voter is not None
        voters, domain = node.voter.context.voters, node.voter.context.domain
        verify_certificate(certificate, voters, domain, now_s=proposal.expires_at_s)
        assert (certificate.tier, certificate.choice) == (GUARDIAN_TIER, choice)
        assert (certificate.topic, certificate.subject) == (proposal.id, proposal.digest)
