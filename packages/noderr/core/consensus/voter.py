"""One node's part in one protocol, once it knows who votes: its guarded key, its rounds, its way to the others."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from noderr.core.consensus.actions import Decided, Failed
from noderr.core.consensus.codec import Codec
from noderr.core.consensus.context import RoundContext
from noderr.core.consensus.description import Decision, describe_decision, describe_failure
from noderr.core.consensus.driver import Listener, RoundDriver
from noderr.core.consensus.guard import Guard, GuardedKey
from noderr.core.consensus.journal import FileDisk
from noderr.core.consensus.membership import Membership
from noderr.core.consensus.round import Round
from noderr.core.consensus.series import begin_at_zero
from noderr.core.parts import NodeContext
from noderr.types.consensus import AccountSignatures, Evidence, ProtocolMessage, VoterSet
from noderr.types.eip712 import Domain

_DECISIONS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolFacts:
    """`tier` is the tier whose nodes vote; `period_ns` the length of a round's slot, unless the voters' file
    says another; `codec` makes that of a domain.

    The newest `keep` rounds stay, to answer those that are late. `ahead` is how many rounds after that of the clock may
    be signed: 1 where others begin them, see `check_due`, and 0 where only this node's own clock does.
    """

    tier: str
    period_ns: int
    codec: Callable[[Domain], Codec] = Codec
    keep: int = 8
    ahead: int = 1


class Voter:
    """The clock says which round is now."""

    def __init__(self, node: NodeContext, facts: ProtocolFacts, membership: Membership, voters: VoterSet) -> None:
        """Opens the guard's journal, which blocks on the disk. Raises `GuardDamagedError` and `OSError`."""
        self.protocol = facts.tier
        self.membership = membership
        self.period_ns = membership.periods_ns.get(voters.tier, facts.period_ns)
        self._ahead = facts.ahead
        self.clock = node.clock
        self.context = RoundContext(node.account.address, voters, membership.domain, AccountSignatures())
        self.decisions: deque[Decision] = deque(maxlen=_DECISIONS)
        self.on_decided: Callable[[Round, Decided], str | None] = _no_words
        self.keep: Callable[[tuple[Round, Decided | Failed] | Evidence[ProtocolMessage]], None] = _ignore
        self._disk = FileDisk(node.data_dir / f"{facts.tier}-guard.journal")
        try:
            guard = Guard(self._disk)
            # Whatever the journal knows: this data directory may be a backup, and what could be signed by now may be.
            guard.refuse_through(voters.tier, voters.epoch, max(self.round_now() + facts.ahead, 0))
            self._silent_through = guard.watermark(voters.tier)
        except BaseException:
            self._disk.close()  # The node tries again and again, and files are few.
            raise
        begin_at_zero(node.metrics, facts.tier)
        self.driver = RoundDriver(
            facts.tier,
            GuardedKey(node.account, guard, membership.domain),
            facts.codec(membership.domain),
            PeersOutbox(node, self.topic, membership, voters),
            context=self.context,
            listener=Listener(self._decided, self._failed, self._accused),
            metrics=node.metrics,
            clock=node.clock,
            round_now=self.round_now,
            keep=facts.keep,
        )

    @property
    def topic(self) -> str:
        """Of the peers' messages."""
        return f"consensus.{self.protocol}"

    def round_now(self) -> int:
        """The number of the round whose slot it is; negative before genesis."""
        return (self.clock.now_ns() - self.membership.genesis_ns) // self.period_ns

    def missing(self) -> Sequence[str]:
        """Why it signs nothing, where that is not over in a moment, in words."""
        epoch, number = self._silent_through or (0, 0)
        left = number - self.round_now() - self._ahead
        if epoch < self.context.voters.epoch or (epoch == self.context.voters.epoch and left <= 0):
            return ()
        return (
            f"the guard signs nothing through round {number} of epoch {epoch}, and this is round {self.round_now()} of "
            f"{self.context.voters.epoch}: this node was started when its clock was ahead, or with another genesis. "
            "Wait, or give it a new account and data directory",
        )

    def start_ns(self, number: int) -> int:
        """When a round's slot begins."""
        return self.membership.genesis_ns + number * self.period_ns

    def close(self) -> None:
        """Let go of the journal."""
        self._disk.close()

    def _decided(self, round_: Round, decided: Decided) -> None:
        self.keep((round_, decided))
        words = self.on_decided(round_, decided)
        self.decisions.appendleft(describe_decision(decided.certificate, self.clock.now_ns(), words))

    def _failed(self, round_: Round, failed: Failed) -> None:
        self.keep((round_, failed))
        self.decisions.appendleft(describe_failure(round_, failed.failure, self.clock.now_ns()))

    def _accused(self, evidence: Evidence[ProtocolMessage]) -> None:
        self.keep(evidence)


class PeersOutbox:
    """Bundles go to the nodes of the voters, over the links that are up."""

    def __init__(self, node: NodeContext, topic: str, membership: Membership, voters: VoterSet) -> None:
        self._peers = node.peers
        self._topic = topic
        me = node.account.address
        self._nodes = {voter: membership.nodes[voter] for voter in voters.voters if voter != me}

    def broadcast(self, bundle: bytes) -> None:
        for node_id in self._nodes.values():
            self._peers.offer(node_id, self._topic, bundle)

    def send(self, voter: bytes, bundle: bytes) -> None:
        node_id = self._nodes.get(voter)
        if node_id is not None:
            self._peers.offer(node_id, self._topic, bundle)


def _no_words(_round: Round, _decided: Decided) -> str | None:
    return None


def _ignore(_entry: object) -> None:
    """Nobody keeps it before the service runs."""
