"""Twins: two correct instances under one key, neither of which knows of the other (Bano et al. 2020, arXiv:2004.10617).

What such a pair can be made to do is what an equivocating voter can do that follows the rules otherwise. Each kind of
message, or each sending of votes, has its own partition of the instances; within a side everything arrives at once.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from noderr.core.consensus.actions import Action, Payload, Send
from noderr.core.consensus.context import RoundContext
from noderr.core.consensus.round import Round
from noderr.core.consensus.status import Status
from noderr.core.consensus.vote_round import VoteRound
from noderr.oracle_consensus.market import SECOND_NS
from noderr.oracle_consensus.messages import Commit, Report, Reveal
from noderr.types.consensus import Certificate, Choice, Vote, VoterSet
from noderr.types.tier_numbers import GUARDIAN_TIER
from tests.consensus.judge import Judge
from tests.consensus.protocols import EPOCH, TIMING, Observed, OracleProtocol, VoteProtocol, start_ns
from tests.consensus.signatures import SimulatedSignatures
from tests.consensus.voter import Sent, SimulatedVoter
from tests.consensus.world import DOMAIN

_KINDS: tuple[type, ...] = (Commit, Reveal, Report)
_REPORT_NS = TIMING.commit_ns + TIMING.reveal_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """For each phase bit i of `sides` is the side that instance i is on; bit i of `approves` is its judgement.

    `order` is who speaks first; `round_` decides who leads.
    """

    sides: tuple[int, ...]
    order: tuple[int, ...]
    approves: int
    round_: int


@dataclass
class Outcome:
    """How a schedule went. `spoke`: the phases in which anybody said anything while the network was parted."""

    spoke: set[int] = field(default_factory=set)
    decided: bool = False
    problem: str | None = None


class Judgements(VoteProtocol):
    """Votes as the schedule says."""

    def __init__(self, tier: int, members: list[tuple[int, int]]) -> None:
        super().__init__(tier)
        self.approves = -1
        self._members = members

    def take_part(
        self, round_: Round, voter: int, wish: int, randomness: random.Random, observed: Observed
    ) -> list[Action]:
        assert isinstance(round_, VoteRound)
        approves = self.approves >> self._members.index((voter, wish)) & 1
        return round_.vote(
            Vote(
                tier=self.tier,
                epoch=EPOCH,
                round=round_.round,
                topic=round_.topic,
                subject=round_.topic,
                choice=Choice.APPROVE if approves else Choice.REJECT,
                # Why a guardian rejects and what a validator found differs from look to look.
                codes=0 if approves and self.tier == GUARDIAN_TIER else 2 * voter + wish,
                expires_at_s=start_ns(self, round_.round) // SECOND_NS + 12,
            )
        )


class TwinsWorld:
    """`nodes` voters, of which the last `twins` have two instances each."""

    def __init__(self, protocol: str, nodes: int, twins: int) -> None:
        self.addresses = [number.to_bytes(20, "big") for number in range(1, nodes + 1)]
        self.members = [
            (number, wish) for number in range(1, nodes + 1) for wish in ((0, 1) if number > nodes - twins else (0,))
        ]
        tiers = {"guardian": GUARDIAN_TIER, "validator": 1}
        self.protocol = (
            OracleProtocol(self.addresses) if protocol == "oracle" else Judgements(tiers[protocol], self.members)
        )
        self.phases = len(_KINDS) + 1 if protocol == "oracle" else 2
        self.voters = VoterSet(self.protocol.tier, EPOCH, dict.fromkeys(self.addresses, 1))
        self.signatures = SimulatedSignatures()
        self.faulty = set(self.addresses[nodes - twins :])

    def play(self, schedule: Schedule, *, then_next: bool = False) -> Outcome:
        """One schedule; `then_next`: and the round after it, in which nothing goes wrong."""
        return _Play(self, schedule).run(then_next=then_next)


class _Play:
    def __init__(self, world: TwinsWorld, schedule: Schedule) -> None:
        self._world = world
        self._schedule = schedule
        self._number = schedule.round_
        self._begins_ns = self._now_ns = start_ns(world.protocol, schedule.round_)
        self._judge = Judge(dict.fromkeys(world.addresses, 1), world.faulty, DOMAIN, world.signatures)
        self._voters = [
            SimulatedVoter(
                number,
                RoundContext(world.addresses[number - 1], world.voters, DOMAIN, world.signatures),
                world.protocol,
                self._judge,
                random.Random(2 * number + wish),
                wish=wish,
            )
            for number, wish in world.members
        ]
        self._honest = [voter for voter in self._voters if voter.address not in world.faulty]
        self._parted = True
        self._sending = 0
        self._queue: deque[tuple[int, Sent]] = deque()
        self._heard: list[set[int]] = [set() for _ in self._voters]
        self._kept: list[Payload] = []  # So that no two have the same `id`.
        self._outcome = Outcome()

    def run(self, *, then_next: bool) -> Outcome:
        if isinstance(self._world.protocol, Judgements):
            self._world.protocol.approves = self._schedule.approves
            parted, healed = [2], [4, 6, 8, 10]
        else:
            ends = [TIMING.commit_ns, _REPORT_NS]
            healed_ns = [_REPORT_NS + 2 * SECOND_NS]
            for view in range(1, TIMING.views + 1):
                healed_ns += [_REPORT_NS + view * TIMING.view_ns, _REPORT_NS + view * TIMING.view_ns + 2 * SECOND_NS]
            parted, healed = [ns // SECOND_NS for ns in ends], [ns // SECOND_NS for ns in healed_ns]
        self._all(lambda voter: voter.open(self._number, self._now_ns))
        for second in parted:
            self._sending += 1
            self._wait(second)
        self._parted = False
        for second in healed:
            if all(self._number in voter.decided for voter in self._honest):
                break
            self._wait(second)
        self._judge_end()
        if then_next:
            self._play_next()
        return self._outcome

    def _wait(self, second: int) -> None:
        self._now_ns = self._begins_ns + second * SECOND_NS
        self._all(lambda voter: voter.on_time(self._now_ns))

    def _all(self, move: Callable[[SimulatedVoter], list[Sent]]) -> None:
        for index in self._schedule.order:
            self._queue.extend((index, sent) for sent in move(self._voters[index]))
        while self._queue:
            self._deliver(*self._queue.popleft())

    def _deliver(self, sender: int, sent: Sent) -> None:
        side = self._side_of(sent.payload)
        to = sent.voter if isinstance(sent, Send) else None
        key = id(sent.payload)
        self._kept.append(sent.payload)
        for index, voter in enumerate(self._voters):
            if index == sender or to not in (None, voter.address) or side >> index & 1 != side >> sender & 1:
                continue
            if key in self._heard[index] and voter.rounds[self._number].status is Status.OPEN:
                continue  # It would be refused as known. Who is done may answer.
            self._heard[index].add(key)
            self._queue.extend((index, one) for one in voter.on_payload(sent.payload, self._now_ns))

    def _side_of(self, payload: Payload) -> int:
        if not self._parted:
            return 0
        phase = self._sending
        if self._world.phases > 2:
            kind = Certificate if isinstance(payload, Certificate) else type(payload.message)
            phase = _KINDS.index(kind) if kind in _KINDS else len(_KINDS)
        self._outcome.spoke.add(phase)
        return self._schedule.sides[phase]

    def _judge_end(self) -> None:
        decided = [voter.number for voter in self._honest if self._number in voter.decided]
        self._outcome.decided = bool(decided)
        undone = [voter.number for voter in self._honest if not voter.is_done(self._number)]
        stuck = [voter.number for voter in self._honest if voter.number not in decided]
        if self._judge.violations:
            self._outcome.problem = self._judge.violations[0]
        elif undone:
            self._outcome.problem = f"voters {undone} do not know that the round is over"
        elif decided and stuck:
            self._outcome.problem = f"voters {stuck} do not know what {decided} know to be decided"

    def _play_next(self) -> None:
        self._number += 1
        self._begins_ns = self._now_ns = start_ns(self._world.protocol, self._number)
        if isinstance(self._world.protocol, Judgements):
            self._world.protocol.approves = -1
        self._all(lambda voter: voter.open(self._number, self._now_ns))
        for second in range(2, 30, 2):
            if all(self._number in voter.decided for voter in self._honest):
                break
            self._wait(second)
        stuck = [voter.number for voter in self._honest if self._number not in voter.decided]
        if stuck and self._outcome.problem is None:
            self._outcome.problem = f"voters {stuck} have no decision in the round after the network healed"
        if self._judge.violations and self._outcome.problem is None:
            self._outcome.problem = self._judge.violations[0]
