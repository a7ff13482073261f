"""A member of the voters' file that speaks the wire's protocol, over real connections, with its own real keys."""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

from noderr.core.consensus.actions import Payload
from noderr.core.peers.testing import PeerNode
from noderr.oracle_consensus.messages import Commit, Observation, Reveal, commitment
from noderr.oracle_consensus.parts import oracle_codec
from noderr.types.consensus import Certificate, ProtocolMessage, RefusedMessage, Signed, sign
from tests.agreement.observing_node import MODEL
from tests.agreement.oracles import OracleProcesses
from tests.network.plan import Member

TOPIC = "consensus.oracle"
_HEARD = 512


class Liar:
    """Hears everything, and sends to each what it likes. Kinds of liars say what, in `begin` and `hear`."""

    def __init__(self, network: OracleProcesses, member: Member, randomness: random.Random) -> None:
        number = 1 + network.oracles.index(member)
        self.peer = PeerNode(number, "oracle")
        self.peer.port = member.peer_port
        self.account = member.account
        self.randomness = randomness
        self.domain = network.membership.domain
        self.codec = oracle_codec(self.domain)
        self.voters = network.voters
        self.victims = [node.node_id for node in network.oracles if node is not member]
        self.lies: Counter[str] = Counter()
        """How often it told which; a test looks whether it lied at all."""
        self.faults: list[Exception] = []
        """Its own errors; must be none."""
        self.round = -1
        self.reveals: dict[bytes, Signed[Reveal]] = {}
        self.commits: set[bytes] = set()
        self._heard: deque[Payload] = deque(maxlen=_HEARD)
        self._addresses = [node.peer for node in network.oracles if node is not member]
        self.peer.network.on(TOPIC, self._on_bundle)

    async def start(self) -> None:
        await self.peer.listen()
        await self.peer.connect(self._addresses)

    def begin(self, place: dict[str, Any]) -> None:
        """A round has begun; `place` is where its messages stand."""

    def hear(self, payload: Payload, place: dict[str, Any]) -> None:
        """One message of the newest round."""

    def sign[M: ProtocolMessage](self, message: M) -> Signed[M]:
        """There is no guard."""
        return sign(message, self.account, self.domain)

    def tell(self, lie: str, *payloads: Payload, to: Sequence[str] | None = None) -> None:
        """Send a bundle to these nodes, or to all."""
        self.lies[lie] += 1
        self.send(self.codec.encode(payloads), to=to)

    def tell_two(self, lie: str, one: Payload, other: Payload) -> None:
        """One to half of them, the other to half of them, and both to the first."""
        self.tell(lie, one, to=self.victims[::2])
        self.tell(lie, other, to=[self.victims[0], *self.victims[1::2]])

    def send(self, bundle: bytes, *, to: Sequence[str] | None = None) -> None:
        for victim in self.victims if to is None else to:
            self.peer.network.offer(victim, TOPIC, bundle)

    def leads(self, view: int) -> bool:
        """Whether its report of this view counts."""
        order = self.voters.voters
        return order[(self.round + view) % len(order)] == self.account.address

    def observation(self, prediction_e8: int) -> tuple[Observation, bytes]:
        """One that counts, and a salt."""
        seen = Observation(
            prediction_e8=prediction_e8,
            confidence_bps=10_000,
            mid_price_e8=1,
            observed_at_s=self.peer.clock.now_ns() // 10**9,
            model_hash=MODEL,
        )
        return seen, self.randomness.randbytes(32)

    def commit(self, place: dict[str, Any], opening: tuple[Observation, bytes]) -> Signed[Commit]:
        return self.sign(Commit(**place, commitment=commitment(self.account.address, *opening)))

    def reveal(self, place: dict[str, Any], opening: tuple[Observation, bytes]) -> Signed[Reveal]:
        seen = self.commits | {commitment(self.account.address, *opening)}
        return self.sign(Reveal(**place, observation=opening[0], salt=opening[1], seen=tuple(sorted(seen))))

    def old(self) -> Sequence[Payload]:
        """Some of what it has heard."""
        return self.randomness.sample(self._heard, min(5, len(self._heard)))

    async def _on_bundle(self, _sender: str, content: bytes) -> None:
        try:
            for payload in self.codec.decode(content):
                if not isinstance(payload, RefusedMessage):
                    self._on_payload(payload)
        except RefusedMessage:
            pass  # Other liars' noise.
        except Exception as error:  # The node that sent it would be told, and the test would not.
            self.faults.append(error)

    def _on_payload(self, payload: Payload) -> None:
        self._heard.append(payload)
        if isinstance(payload, Certificate):
            return
        message: Any = payload.message
        place = {"epoch": message.epoch, "round": message.round, "topic": message.topic}
        if message.round > self.round and payload.signer != self.account.address and self._is_due(message):
            self.round, self.reveals, self.commits = message.round, {}, set()
            self.begin(place)
        if message.round == self.round:
            if isinstance(message, Commit):
                self.commits.add(message.commitment)
            elif isinstance(message, Reveal):
                self.reveals[payload.signer] = payload  # type: ignore[assignment]  # Not narrowed.
            self.hear(payload, place)

    def _is_due(self, message: ProtocolMessage) -> bool:
        # Another liar may speak of a round that is far away.
        return self.round < 0 or message.round < self.round + 10
