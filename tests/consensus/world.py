"""The simulated world: a clock, a network and the voters in it, all driven by one queue of events and one seed."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from noderr.core.consensus.actions import Payload, Send
from noderr.core.consensus.context import RoundContext
from noderr.types.consensus import Certificate, VoterSet, max_faulty
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import parse_address
from tests.consensus.byzantine import OUTSIDER, ByzantineVoter, Surroundings
from tests.consensus.byzantine_oracle import ByzantineOracle
from tests.consensus.judge import Judge
from tests.consensus.protocols import EPOCH, ConsensusProtocol, protocol_of, start_ns
from tests.consensus.schedule import Faults
from tests.consensus.signatures import SimulatedSignatures
from tests.consensus.voter import Sent, SimulatedVoter

DOMAIN = Domain("NodeOS", "1", 84532, parse_address("0x" + "aa" * 20))

# After the network heals: one round to get over what was under way, and one for every leader that may be faulty.
_ROUNDS_TO_HEAL = 2
_HEALED_DELAY_NS = 50_000_000

type _Event = tuple[int, int, Callable[..., None], tuple[Any, ...]]
"""When, its number, what is called then and with what."""


@dataclass
class Result:
    """How a schedule went; `undecided` is None or says who is still without a decision."""

    rounds: int = 0
    decided: int = 0
    undecided: str | None = None
    violations: list[str] = field(default_factory=list)

    @property
    def failure(self) -> str | None:
        """What must not be, if anything is."""
        return self.violations[0] if self.violations else self.undecided


class World:
    """One schedule of one protocol. `run` it once."""

    def __init__(
        self,
        protocol: str,
        nodes: int,
        faults: Faults,
        randomness: random.Random,
        *,
        trace: Callable[[str], None] | None = None,
    ) -> None:
        addresses = [number.to_bytes(20, "big") for number in range(1, nodes + 1)]
        self.faults = faults
        self.now_ns = 0
        self.protocol: ConsensusProtocol = protocol_of(protocol, addresses, dissent=faults.dissent)
        self._randomness = randomness
        self._trace = trace
        self._events: list[_Event] = []
        self._count = 0
        self._woken: dict[SimulatedVoter, int] = {}
        self._halves: frozenset[bytes] = frozenset()
        signatures = SimulatedSignatures()
        voters = VoterSet(self.protocol.tier, EPOCH, dict.fromkeys(addresses, 1))
        self.judge = Judge(
            dict.fromkeys(addresses, 1),
            {number.to_bytes(20, "big") for number in (*faults.faulty, *(OUTSIDER + one for one in faults.byzantine))},
            DOMAIN,
            signatures,
        )
        self.voters: list[SimulatedVoter] = []
        for number, address in enumerate(addresses, 1):
            if number in faults.silent or number in faults.byzantine:
                continue
            context = RoundContext(address, voters, DOMAIN, signatures)
            for wish in (0, 1) if number in faults.twins else (0,):
                self.voters.append(SimulatedVoter(number, context, self.protocol, self.judge, randomness, wish=wish))
        self.honest = [voter for voter in self.voters if voter.number not in faults.faulty]
        around = Surroundings(DOMAIN, self.judge, addresses, randomness)
        kind = ByzantineOracle if protocol == "oracle" else ByzantineVoter
        self.byzantine = [kind(number, around) for number in faults.byzantine]
        self._max_rounds_after = max_faulty(nodes) + _ROUNDS_TO_HEAL

    def run(self) -> Result:
        """Rounds until all honest voters have decided as many as they should after the network healed, or have not."""
        result = self._play()
        # They hold the world that holds them: without them it is freed at once, and nobody has to look for it.
        self._events.clear()
        return result

    def _play(self) -> Result:
        result = Result()
        whole = failed = 0
        while True:
            number, begins_ns = result.rounds, start_ns(self.protocol, result.rounds)
            self._advance(begins_ns)
            self._begin(number)
            self._advance(begins_ns + self.protocol.period_ns - 1, decided=number)
            result.rounds += 1
            result.violations = self.judge.violations
            result.decided += any(number in voter.decided for voter in self.honest)
            if result.violations:
                return result
            if begins_ns < self.faults.heal_ns:
                continue
            stuck = [voter.number for voter in self.honest if number not in voter.decided]
            whole, failed = (whole, failed + 1) if stuck else (whole + 1, 0)
            if whole >= self.faults.rounds:
                return result
            if failed >= self._max_rounds_after:
                result.undecided = self._judge_liveness(number, stuck)
                return result

    def _judge_liveness(self, number: int, stuck: list[int]) -> str | None:
        """Guardians that judge differently need not agree, but each must know that the round is over."""
        if self.faults.dissent and all(voter.is_done(number) for voter in self.honest):
            return None
        return f"voters {stuck} have no decision, {self._max_rounds_after} rounds after the network healed"

    def _begin(self, number: int) -> None:
        begins_ns, healed = self.now_ns, self.now_ns >= self.faults.heal_ns
        if self.faults.partition_every_ns and not healed:
            for at_ns in range(begins_ns, begins_ns + self.protocol.period_ns, self.faults.partition_every_ns):
                self._at(at_ns, self._part)
        for voter in self.voters:
            # Clocks differ a little.
            self._at(begins_ns + self._randomness.randrange(_HEALED_DELAY_NS), self._open, voter, number)
        for _ in range(0 if healed else self.faults.crashes):
            victim = self._randomness.choice(self.honest)
            at_ns = begins_ns + self._randomness.randrange(self.protocol.period_ns)
            self._at(at_ns, self._crash, victim)
            self._at(at_ns + self._randomness.randrange(3_000_000_000), self._restart, victim, number)

    def _open(self, voter: SimulatedVoter, number: int) -> None:
        if voter.is_up and number not in voter.rounds:
            self._send_all(voter, voter.open(number, self.now_ns))

    def _crash(self, voter: SimulatedVoter) -> None:
        if voter.is_up:
            self._say(f"{voter.number} crashes")
            voter.crash()

    def _restart(self, voter: SimulatedVoter, number: int) -> None:
        if not voter.is_up:
            self._say(f"{voter.number} restarts")
            self._send_all(voter, voter.restart(number, self.now_ns))

    def _part(self) -> None:
        """Two halves that do not hear each other; twins may be on both sides."""
        addresses = sorted({voter.address for voter in self.voters})
        self._halves = frozenset(address for address in addresses if self._randomness.random() < 0.5)

    def _send_all(self, sender: SimulatedVoter, sent: list[Sent]) -> None:
        for one in sent:
            to = one.voter if isinstance(one, Send) else None
            for receiver in self.voters:
                if receiver is not sender and (to is None or to == receiver.address):
                    self._send(sender.address, receiver, one.payload)
            for byzantine in self.byzantine:
                byzantine.on_payload(one.payload, partial(self._send_to, byzantine.address))
        self._wake(sender)

    def _send_to(self, sender: bytes, to: bytes, payload: Payload) -> None:
        for receiver in self.voters:
            if receiver.address == to:
                self._send(sender, receiver, payload)

    def _send(self, sender: bytes, receiver: SimulatedVoter, payload: Payload) -> None:
        copies, delay_ns = 1, _HEALED_DELAY_NS
        if self.now_ns < self.faults.heal_ns:
            if self.faults.partition_every_ns and (sender in self._halves) != (receiver.address in self._halves):
                return
            if self._randomness.random() < self.faults.loss:
                return
            copies += self._randomness.random() < self.faults.duplication
            delay_ns = self.faults.delay_ns
        for _ in range(copies):
            self._at(self.now_ns + 1 + int(self._randomness.random() * delay_ns), self._deliver, receiver, payload)

    def _deliver(self, receiver: SimulatedVoter, payload: Payload) -> None:
        if receiver.is_up:
            if self._trace is not None:
                self._say(f"{receiver.number} gets {_told(payload)}")
            self._send_all(receiver, receiver.on_payload(payload, self.now_ns))

    def _wake(self, voter: SimulatedVoter) -> None:
        next_ns = voter.next_time_ns
        if next_ns is None or self.now_ns < self._woken.get(voter, 0) <= next_ns:
            return
        self._woken[voter] = max(next_ns, self.now_ns + 1)
        self._at(self._woken[voter], self._tick, voter)

    def _tick(self, voter: SimulatedVoter) -> None:
        if voter.is_up:
            self._send_all(voter, voter.on_time(self.now_ns))

    def _at(self, at_ns: int, event: Callable[..., None], *about: Any) -> None:
        self._count += 1
        heapq.heappush(self._events, (at_ns, self._count, event, about))

    def _advance(self, until_ns: int, *, decided: int | None = None) -> None:
        """Let it happen until then, or until all have decided round `decided`."""
        undecided, events, violations = list(self.honest), self._events, self.judge.violations
        while events and events[0][0] <= until_ns and not violations:
            while undecided and decided in undecided[-1].decided:
                undecided.pop()
            if not undecided:
                break
            self.now_ns, _, event, about = heapq.heappop(events)
            event(*about)
        if not self.judge.violations:
            self.now_ns = until_ns

    def _say(self, text: str) -> None:
        if self._trace is not None:
            self._trace(f"{self.now_ns / 1e9:.3f} s  {text}")


def _told(payload: Payload) -> str:
    if isinstance(payload, Certificate):
        return f"a certificate of round {payload.round} with {len(payload.signatures)} signatures"
    message = payload.message
    detail = "".join(f" {name} {getattr(message, name)}" for name in ("view", "choice") if hasattr(message, name))
    return f"{message.TYPE.name} of {int.from_bytes(payload.signer, 'big')}, round {message.round}{detail}"
