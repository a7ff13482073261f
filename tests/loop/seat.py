"""A node's seat in its tier's rounds: the real machines, guard, codec and signatures, on simulated time and links."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from noderr.core.consensus.actions import Accuse, Action, Broadcast, Decided, Failed, Payload, Send, Sign
from noderr.core.consensus.codec import Codec
from noderr.core.consensus.context import RoundContext
from noderr.core.consensus.early_messages import EarlyMessages, RoundKey
from noderr.core.consensus.guard import Guard, GuardedKey
from noderr.core.consensus.round import Round
from noderr.core.consensus.testing import ForgetfulDisk
from noderr.types.consensus import Certificate, Reason, RefusedMessage
from noderr.types.signing.account_key import AccountKey
from tests.loop.links import Links
from tests.loop.timeline import Timeline

_EARLY_BYTES = 1 << 20
_TOPIC = "consensus"


class Seat:
    """`ended` is told how each round ended."""

    def __init__(
        self,
        name: str,
        key: AccountKey,
        context: RoundContext,
        codec: Codec,
        others: dict[bytes, str],
        links: Links,
        ended: Callable[[Round, Decided | Failed], None],
    ) -> None:
        """`others` are the names of this tier's other voters by their address."""
        self.context = context
        self.refused: list[Reason] = []
        self._name = name
        self._key = GuardedKey(key, Guard(ForgetfulDisk()), context.domain)
        self._codec = codec
        self._others = others
        self._links = links
        self._timeline: Timeline = links.timeline
        self._ended = ended
        self._rounds: dict[RoundKey, Round] = {}
        self._early = EarlyMessages(_EARLY_BYTES)
        self._wakes: dict[RoundKey, int] = {}
        links.on(name, _TOPIC, self._on_bundle)

    def open(self, round_: Round) -> None:
        """Begin a round; what others said of it before is heard now."""
        key = (round_.round, round_.topic)
        self._rounds[key] = round_
        for payload in self._early.take(key):
            self._take(payload)
        self._wake(round_)

    def is_open(self, number: int, topic: bytes) -> bool:
        return (number, topic) in self._rounds

    def do(self, round_: Round, actions: list[Action]) -> None:
        """What the machine wants done, at once and in order."""
        for action in actions:
            match action:
                case Sign(message=message):
                    signed = self._key.sign(message)
                    self.do(round_, round_.on_signed(signed, self._timeline.now_ns()))
                case Broadcast(payload=payload):
                    self._links.send_all(self._name, self._others.values(), _TOPIC, self._codec.encode([payload]))
                case Send(voter=voter, payload=payload):
                    self._links.send(self._name, self._others[voter], _TOPIC, self._codec.encode([payload]))
                case Decided() | Failed():
                    self._ended(round_, action)
                case Accuse(evidence=evidence):
                    raise AssertionError(f"{self._name} accuses {evidence.offender.hex()}: nobody lies in a replay")
        self._wake(round_)

    def _on_bundle(self, _sender: str, content: bytes) -> None:
        for payload in self._codec.decode(content):
            if isinstance(payload, RefusedMessage):
                self.refused.append(payload.reason)
            else:
                self._take(payload)

    def _take(self, payload: Payload) -> None:
        known = payload if isinstance(payload, Certificate) else payload.message
        key = (known.round, known.topic)
        round_ = self._rounds.get(key)
        if round_ is None:
            self._early.keep(key, payload, len(self._codec.encode([payload])))
            return
        now_ns = self._timeline.now_ns()
        try:
            if isinstance(payload, Certificate):
                self.do(round_, round_.on_certificate(payload, now_ns))
            else:
                self.do(round_, round_.on_message(payload, now_ns))
        except RefusedMessage as refused:
            self.refused.append(refused.reason)

    def _wake(self, round_: Round) -> None:
        key, due_ns = (round_.round, round_.topic), round_.next_time_ns
        if due_ns is not None and self._wakes.get(key) != due_ns:
            self._wakes[key] = due_ns
            self._timeline.at(due_ns, partial(self._on_time, round_, due_ns))

    def _on_time(self, round_: Round, due_ns: int) -> None:
        if self._wakes.get((round_.round, round_.topic)) == due_ns:
            self.do(round_, round_.on_time(self._timeline.now_ns()))
