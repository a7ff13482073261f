"""A voter of the simulation: the machines, guard and key of the product, on a disk that loses what was not synced."""

from __future__ import annotations

import random

from noderr.core.consensus.actions import Accuse, Action, Broadcast, Decided, Payload, Send, Sign
from noderr.core.consensus.context import RoundContext
from noderr.core.consensus.early_messages import EarlyMessages, RoundKey, check_proven
from noderr.core.consensus.errors import GuardError
from noderr.core.consensus.guard import Guard, GuardedKey
from noderr.core.consensus.round import Round
from noderr.core.consensus.status import Status
from noderr.core.consensus.testing import ForgetfulDisk
from noderr.types.consensus import Certificate, ProtocolMessage, RefusedMessage
from tests.consensus.judge import Judge
from tests.consensus.protocols import ConsensusProtocol
from tests.consensus.signatures import SimulatedKey

# A round's machine answers those that are late, until the round after the next begins.
_KEPT_ROUNDS = 2
# A voter's share, in bytes of memory.
_EARLY_BYTES = 1 << 20


type Sent = Broadcast | Send
"""On its way to every other voter, or to one."""


class SimulatedVoter:
    """`wish` is 0 for the voter itself; a Byzantine twin of it has another, and a disk of its own."""

    def __init__(
        self,
        number: int,
        context: RoundContext,
        protocol: ConsensusProtocol,
        judge: Judge,
        randomness: random.Random,
        *,
        wish: int = 0,
    ) -> None:
        self.number = number
        self.address = context.me
        self.is_up = True
        self.refused = 0
        self.decided: set[int] = set()
        self._proven: set[int] = set()
        self.rounds: dict[int, Round] = {}
        self.next_time_ns: int | None = None
        """When `on_time` is due."""
        self._due_ns: dict[int, int | None] = {}
        self.disk = ForgetfulDisk()
        self._early = EarlyMessages(_EARLY_BYTES)
        self._context = context
        self._protocol = protocol
        self._judge = judge
        self._randomness = randomness
        self._wish = wish
        self._start_guard()

    def _start_guard(self) -> None:
        self._key = GuardedKey(SimulatedKey(self.number), Guard(self.disk), self._context.domain)

    def crash(self) -> None:
        """Everything in memory is gone, and of the disk what was not synced."""
        self.is_up = False
        self.rounds.clear()
        self._due_ns.clear()
        self.next_time_ns = None
        self._early = EarlyMessages(_EARLY_BYTES)
        self._proven.clear()
        self.disk.crash(self._randomness)

    def restart(self, number: int, now_ns: int) -> list[Sent]:
        """Come back in the middle of round `number`, knowing nothing of it but what the guard knows."""
        self.is_up = True
        self._start_guard()
        return self.open(number, now_ns)

    def open(self, number: int, now_ns: int) -> list[Sent]:
        """Begin a round and take part in it."""
        for known in [known for known in self.rounds if known <= number - _KEPT_ROUNDS]:
            del self.rounds[known]
            self._due_ns.pop(known, None)
            self.next_time_ns = self._soonest_ns()
        round_ = self.rounds[number] = self._protocol.open(self._context, number)
        observed = self._judge.oracles.on_observed if self.address not in self._judge.faulty else _nobody
        actions = self._protocol.take_part(round_, self.number, self._wish, self._randomness, observed)
        sent = self._do(round_, actions, now_ns)
        for payload in self._early.take(_key(number)):
            sent += self.on_payload(payload, now_ns)
        return sent

    def on_payload(self, payload: Payload, now_ns: int) -> list[Sent]:
        """Something arrived; what does not count is counted."""
        number = payload.round if isinstance(payload, Certificate) else payload.message.round
        round_ = self.rounds.get(number)
        try:
            if round_ is None:
                if number > max(self.rounds, default=-1):
                    check_proven(payload, self._context, now_ns)
                    self._early.keep(_key(number), payload, 1)
                return []
            if isinstance(payload, Certificate):
                actions = round_.on_certificate(payload, now_ns)
            else:
                actions = round_.on_message(payload, now_ns)
        except RefusedMessage:
            self.refused += 1
            return []
        return self._do(round_, actions, now_ns)

    def on_time(self, now_ns: int) -> list[Sent]:
        """Do what is due."""
        sent: list[Sent] = []
        for number, due_ns in self._due_ns.items():
            if due_ns is not None and due_ns <= now_ns:
                round_ = self.rounds[number]
                sent += self._do(round_, round_.on_time(now_ns), now_ns)
        return sent

    def is_done(self, number: int) -> bool:
        """Whether it knows how the round ended."""
        return number in self.decided or (number in self.rounds and self.rounds[number].status is Status.FAILED)

    def _do(self, round_: Round, actions: list[Action], now_ns: int) -> list[Sent]:
        sent = self._carry_out(round_, actions, now_ns)
        # Asked for here and not at every look: a message of one round changes no other's.
        due_ns = round_.next_time_ns
        if due_ns != self._due_ns.get(round_.round):
            self._due_ns[round_.round] = due_ns
            self.next_time_ns = self._soonest_ns()
        return sent

    def _soonest_ns(self) -> int | None:
        return min([due_ns for due_ns in self._due_ns.values() if due_ns is not None], default=None)

    def _carry_out(self, round_: Round, actions: list[Action], now_ns: int) -> list[Sent]:
        sent: list[Sent] = []
        if round_.round not in self._proven and round_.certificate is not None:
            self._proven.add(round_.round)
            self._judge.on_certificate(self.address, round_.certificate, now_ns)
        for action in actions:
            match action:
                case Sign(message=message):
                    sent += self._sign(round_, message, now_ns)
                case Broadcast() | Send():
                    sent.append(action)
                case Decided():
                    self.decided.add(round_.round)
                    self._judge.on_decided(action)
                case Accuse(evidence=evidence):
                    self._judge.on_accused(evidence)
        return sent

    def _sign(self, round_: Round, message: ProtocolMessage, now_ns: int) -> list[Sent]:
        try:
            signed = self._key.sign(message)
        except GuardError:
            return []
        self._judge.on_signed(self.address, message)
        return self._carry_out(round_, round_.on_signed(signed, now_ns), now_ns)


def _key(number: int) -> RoundKey:
    """A simulated round has one topic."""
    return number, b""


def _nobody(_round: int, _value: int) -> None:
    """What the faulty see is not what was there to see."""
