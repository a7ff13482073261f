"""Rounds that a subject opens: a proposal to vote on, an execution to attest. Guardians and validators work so.

A subject comes from a peer, is passed on to the other voters once, so that nobody can show it to some only, and is
judged. The vote is what the judge says; if it says nothing in time, there is no vote, and silence means no.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog

from noderr.core.consensus.actions import Decided
from noderr.core.consensus.early_messages import RoundKey, check_due
from noderr.core.consensus.handover import TierNodes
from noderr.core.consensus.round import Round
from noderr.core.consensus.vote_round import VoteRound
from noderr.core.consensus.voter import Voter
from noderr.core.parts import NodeContext
from noderr.core.peers.errors import MessageRefusedError
from noderr.types.consensus import Choice, Reason, RefusedMessage, Vote
from noderr.types.consensus.on_wire import certificate_to_wire

_log = structlog.get_logger("noderr.core.consensus")

_RESEND_NS = 500_000_000
_SECOND_NS = 1_000_000_000
_MOST_OPEN = 64
_MAX_BYTES = 512 * 1024


class Subject(Protocol):
    """What is voted on. `digest` is the vote's subject."""

    @property
    def epoch(self) -> int: ...
    @property
    def round(self) -> int: ...
    @property
    def topic(self) -> bytes: ...
    @property
    def digest(self) -> bytes: ...
    @property
    def expires_at_s(self) -> int: ...
    @property
    def author(self) -> bytes:
        """The account that asks; once the judge has checked it, it is proven."""


class Judge[S: Subject](Protocol):
    """What a protocol makes of its subjects."""

    def decode(self, content: bytes) -> S:
        """Raises `RefusedMessage`."""

    def check(self, subject: S, voter: Voter) -> None:
        """What a subject must be before anybody works on it. Raises `RefusedMessage`."""

    async def judge(self, subject: S, voter: Voter) -> tuple[Choice, int]:
        """The choice and the codes of this node's vote."""

    def missing(self) -> Sequence[str]:
        """What it lacks to judge, in words."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """To which tier's nodes, and under which of the peers' topics."""

    tier: int
    topic: str


@dataclass(frozen=True, slots=True)
class _Opened:
    digest: bytes
    author: bytes
    deadline_ns: int


class SubjectRounds[S: Subject]:
    """A `RoundSource`. `topic` is that of the peers' messages with subjects."""

    def __init__(
        self,
        node: NodeContext,
        topic: str,
        judge: Judge[S],
        *,
        most_each: int,
        announce: Announcement | None = None,
    ) -> None:
        """An author may have `most_each` rounds that are not over by the clock: it cannot keep others from having any.

        Each decision's certificate goes where `announce` says.
        """
        self._most_each = most_each
        self._peers = node.peers
        self._announce = announce
        self._topic = topic
        self._judge = judge
        self._voter: Voter | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._open = 0
        self._opened: dict[RoundKey, _Opened] = {}
        node.peers.on(topic, self._on_subject)

    async def run(self, voter: Voter) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                self._voter, self._tasks = voter, tasks
                if self._announce is not None:
                    nodes = TierNodes(self._peers, voter.membership, self._announce.tier)
                    voter.on_decided = partial(_tell, nodes, self._announce.topic)
                await asyncio.Event().wait()
        finally:
            self._voter = self._tasks = None

    def missing(self) -> Sequence[str]:
        return self._judge.missing()

    def submit(self, content: bytes) -> S:
        """Open a round on a subject, and pass it on; nothing, if it has one. Raises `RefusedMessage`."""
        voter, tasks = self._voter, self._tasks
        if voter is None or tasks is None:
            raise RefusedMessage(Reason.NOT_A_MEMBER, "this node takes part in no consensus")
        try:
            return self._submit(content, voter, tasks)
        except RefusedMessage as refused:
            voter.driver.refuse(refused)
            raise

    def _submit(self, content: bytes, voter: Voter, tasks: asyncio.TaskGroup) -> S:
        if len(content) > _MAX_BYTES:
            raise RefusedMessage(Reason.OVERSIZED, f"a subject of {len(content)} bytes: at most {_MAX_BYTES}")
        subject = self._judge.decode(content)
        key = (subject.round, subject.topic)
        if key in voter.driver.rounds:
            opened = self._opened.get(key)
            if opened is None or opened.digest != subject.digest:
                raise RefusedMessage(Reason.WRONG_SUBJECT, "another subject of this topic is voted on in this round")
            return subject
        self._check(subject, voter)
        self._judge.check(subject, voter)
        round_ = VoteRound(
            voter.context,
            round_=subject.round,
            topic=subject.topic,
            deadline_ns=min(voter.start_ns(subject.round + 2), subject.expires_at_s * _SECOND_NS),
            resend_ns=_RESEND_NS,
        )
        voter.driver.open(round_)
        self._opened = {known: opened for known, opened in self._opened.items() if known in voter.driver.rounds}
        self._opened[key] = _Opened(subject.digest, subject.author, round_.deadline_ns)
        for other in voter.context.voters.voters:
            if other != voter.context.me:
                self._peers.offer(voter.membership.nodes[other], self._topic, content)
        self._judge_in_time(voter, tasks, round_, subject)
        return subject

    def _judge_in_time(self, voter: Voter, tasks: asyncio.TaskGroup, round_: VoteRound, subject: S) -> None:
        """A judge that has said nothing when the round is over is told to stop: it must not hold up others for ever."""
        judging = tasks.create_task(self._vote(voter, round_, subject))
        ending = tasks.create_task(self._end(voter, round_, judging))
        self._open += 1

        def on_judged(_judging: asyncio.Task[None]) -> None:
            self._open -= 1
            ending.cancel()

        judging.add_done_callback(on_judged)

    def _check(self, subject: S, voter: Voter) -> None:
        now_ns = voter.clock.now_ns()
        now_s = now_ns // _SECOND_NS
        if subject.epoch != voter.context.voters.epoch:
            raise RefusedMessage(Reason.WRONG_EPOCH, f"a subject of epoch {subject.epoch}")
        if subject.expires_at_s <= now_s:
            raise RefusedMessage(Reason.EXPIRED, f"it expired at {subject.expires_at_s}, and it is {now_s}")
        check_due(subject.round, voter.round_now())
        # Before a signature costs anything. Who only claims to be the author is refused as well, and opens nothing.
        begun = sum(one.author == subject.author and one.deadline_ns > now_ns for one in self._opened.values())
        if begun >= self._most_each:
            raise RefusedMessage(Reason.TOO_MANY, f"{begun} rounds of this author's are not over: try again later")
        if self._open >= _MOST_OPEN:
            raise RefusedMessage(Reason.OVERSIZED, f"{self._open} subjects are being judged: try again later")

    async def _vote(self, voter: Voter, round_: VoteRound, subject: S) -> None:
        try:
            choice, codes = await self._judge.judge(subject, voter)
        except Exception as error:  # Who cannot judge does not vote; the log says why.
            _log.error("not_judged", topic=subject.topic.hex(), round=subject.round, exc_info=error)
            return
        if voter.context.may_vote:
            vote = Vote(
                tier=voter.context.voters.tier,
                epoch=subject.epoch,
                round=subject.round,
                topic=subject.topic,
                subject=subject.digest,
                choice=choice,
                codes=codes,
                expires_at_s=subject.expires_at_s,
            )
            voter.driver.do(round_, round_.vote(vote))

    async def _end(self, voter: Voter, round_: VoteRound, judging: asyncio.Task[None]) -> None:
        await voter.clock.sleep((round_.deadline_ns - voter.clock.now_ns()) / _SECOND_NS)
        _log.error("not_judged_in_time", topic=round_.topic.hex(), round=round_.round)
        judging.cancel()

    async def _on_subject(self, _sender: str, content: bytes) -> None:
        try:
            self.submit(content)
        except RefusedMessage as refused:
            raise MessageRefusedError(str(refused)) from refused


def _tell(nodes: TierNodes, topic: str, _round: Round, decided: Decided) -> str | None:
    nodes.offer(topic, certificate_to_wire(decided.certificate).SerializeToString())
    return None
