"""One round of the oracles as a state machine without input and output: messages and the time in, actions out.

    COMMIT   everybody binds itself to an observation that nobody can read
    REVEAL   everybody opens it, and says whose commitments it had by then
    REPORT   the leader puts the reveals together; everybody computes the signal from them, and votes for it once
             no decision in time: the next leader tries (a view), until the round's end

Safety does not hang on leaders or clocks. A voter signs one vote in a round, ever (the guard sees to that), so two
certificates of one round would need more than a third of the weight to have signed twice. A round that gets stuck
fails, and the next one has another leader.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import Any

from noderr.core.consensus.actions import Accuse, Action, Broadcast, Decided, Payload, Send, Sign
from noderr.core.consensus.context import RoundContext
from noderr.core.consensus.status import Progress, Status
from noderr.core.consensus.vote_round import VoteRound
from noderr.oracle_consensus.aggregate import Aggregation
from noderr.oracle_consensus.collected import Collected
from noderr.oracle_consensus.market import SECOND_NS, Market, Timing
from noderr.oracle_consensus.messages import (
    Commit,
    Observation,
    Report,
    Reveal,
    commitment,
)
from noderr.oracle_consensus.reports import Reports, check_seen
from noderr.types.consensus import (
    Certificate,
    Choice,
    ProtocolMessage,
    Reason,
    RefusedMessage,
    Signed,
    Vote,
)
from noderr.types.consensus.agreed_signal import AgreedSignal
from noderr.types.tier_numbers import ORACLE_TIER


class Phase(enum.StrEnum):
    """What the round waits for."""

    COMMIT = "commit"
    REVEAL = "reveal"
    REPORT = "report"
    OVER = "over"


class OracleRound:
    """A round of one oracle. `leaders` is the committee in the order of its draw."""

    def __init__(
        self,
        context: RoundContext,
        leaders: Sequence[bytes],
        market: Market,
        timing: Timing,
        *,
        round_: int,
        start_ns: int,
    ) -> None:
        self.round = round_
        self.topic = market.topic
        self.start_ns = start_ns
        self.deadline_ns = start_ns + timing.round_ns
        """When an undecided round has failed."""
        self.phase = Phase.COMMIT
        self.view = 0
        self.agreed: AgreedSignal | None = None
        """What was decided, once the decision and a report that explains it are both here."""
        self.commits: Collected[Commit] = Collected(context)
        self.reveals: Collected[Reveal] = Collected(context)
        self.votes = VoteRound(
            context,
            round_=round_,
            topic=self.topic,
            deadline_ns=self.deadline_ns,
            resend_ns=timing.resend_ns,
        )
        self._context = context
        self._me = context.me
        self._voters = context.voters
        self._leaders = tuple(leaders)
        self._timing = timing
        self._mine: tuple[Observation, bytes] | None = None
        self._said: list[Payload] = []
        self._reported: set[bytes] = set()
        self._signed_here: Payload | None = None
        self._sent_ns = start_ns
        self._phase_end_ns = start_ns + timing.commit_ns
        self._aggregate = Aggregation(
            context.voters,
            market,
            start_s=start_ns // SECOND_NS,
            commit_seconds=timing.commit_ns // SECOND_NS,
        )
        self._reports = Reports(context, self._aggregate, self.reveals.get)
        self._told_ns: dict[bytes, int] = {}

    @property
    def status(self) -> Status:
        return self.votes.status

    @property
    def certificate(self) -> Certificate | None:
        return self.votes.certificate

    @property
    def progress(self) -> Progress:
        """Who has not spoken in this phase; of a report, whom it waits for is the leader."""
        leader = self.leader(self.view)
        match self.phase:
            case Phase.COMMIT:
                missing = self.commits.missing
            case Phase.REVEAL:
                missing = self.reveals.missing
            case _:
                missing = self.votes.tally.missing
        return Progress(self.phase.value, missing, self.view, leader)

    @property
    def next_time_ns(self) -> int | None:
        """When `on_time` is due; None when it never is."""
        if self._is_settled:
            return self.votes.next_time_ns
        resend_ns = self._sent_ns + self._timing.resend_ns
        match self.votes.status:
            case Status.OPEN:
                return min(resend_ns, self._turn_ns)
            case Status.FAILED:
                return min(resend_ns, self.deadline_ns)
        tell_ns = self.votes.next_time_ns
        return resend_ns if tell_ns is None else min(resend_ns, tell_ns)

    def leader(self, view: int) -> bytes:
        """Whose report counts in this view."""
        return self._leaders[(self.round + view) % len(self._leaders)]

    def observe(self, observation: Observation, salt: bytes) -> list[Action]:
        """Take part with this observation; `salt` is 32 random bytes that nobody else knows."""
        if self._mine is not None or self.phase is not Phase.COMMIT or not self._context.may_vote:
            return []
        self._mine = (observation, salt)
        return [Sign(Commit(**self._place(), commitment=commitment(self._me, observation, salt)))]

    def on_signed(self, signed: Signed[ProtocolMessage], now_ns: int) -> list[Action]:
        """A message of mine, signed: it counts and goes out."""
        self._said.append(signed)
        if isinstance(signed.message, Report):
            self._reported.add(signed.message.subject)
        self._signed_here = signed
        self._sent_ns = now_ns
        if isinstance(signed.message, Vote):
            return self._after(self.votes.on_signed(signed, now_ns), now_ns)
        try:
            return [Broadcast(signed), *self.on_message(signed, now_ns)]
        except RefusedMessage as refused:
            # It came back from others before: this node has restarted, and said it before it did. Or the reveals have
            # begun here while the disk was at work: elsewhere the commitment may still be in time.
            if refused.reason not in (Reason.DUPLICATE, Reason.EXPIRED):
                raise
            return [Broadcast(signed)]

    def on_message(self, signed: Signed[ProtocolMessage], now_ns: int) -> list[Action]:
        """A message of this round and topic. Raises `RefusedMessage`."""
        message = signed.message
        if message.epoch != self._voters.epoch or message.tier != ORACLE_TIER:
            raise RefusedMessage(Reason.WRONG_EPOCH, f"a message of tier {message.tier}, epoch {message.epoch}")
        if message.round != self.round or message.topic != self.topic:
            raise RefusedMessage(Reason.WRONG_SUBJECT, f"a message of round {message.round} or another market")
        take = _TAKES.get(type(message))
        if take is None:
            raise RefusedMessage(Reason.MALFORMED, f"{type(message).__name__} is no message of an oracles' round")
        return take(self, signed, now_ns)

    def on_certificate(self, certificate: Certificate, now_ns: int) -> list[Action]:
        """How it ended, from somebody who knows. Raises `RefusedMessage`."""
        return self._after(self.votes.on_certificate(certificate, now_ns), now_ns)

    def on_time(self, now_ns: int) -> list[Action]:
        """The clock went on."""
        actions: list[Action] = self.votes.on_time(now_ns) if self.status is Status.DECIDED else []
        if self._is_settled:
            return actions
        if self.status is not Status.DECIDED and now_ns >= self.deadline_ns:
            return self._after(self.votes.on_time(now_ns), now_ns)
        if self.status is Status.OPEN:
            actions += self._go_on(now_ns)
        if now_ns >= self._sent_ns + self._timing.resend_ns:
            self._sent_ns = now_ns
            # Who says something new now has no need to say more.
            passed_on = [] if actions else self._pass_on()
            actions += [*(Broadcast(said) for said in self._said), *passed_on]
        return actions

    @property
    def _is_settled(self) -> bool:
        return self.votes.is_settled and (self.agreed is not None or self.votes.status is Status.FAILED)

    @property
    def _turn_ns(self) -> int:
        """When time alone brings the next phase, view or the end; where a quorum is missing, only messages do."""
        waits = (self.phase is Phase.COMMIT and not self.commits.is_quorum) or (
            self.phase is Phase.REVEAL and not self.reveals.is_quorum
        )
        return self.deadline_ns if waits else min(self._phase_end_ns, self.deadline_ns)

    def _place(self) -> dict[str, Any]:
        return {"epoch": self._voters.epoch, "round": self.round, "topic": self.topic}

    def _on_commit(self, signed: Signed[Commit], now_ns: int) -> list[Action]:
        if (answer := self._tell(signed.signer, now_ns)) is not None:
            return answer
        if self.phase is not Phase.COMMIT and self.commits.get(signed.signer) is None:
            raise RefusedMessage(Reason.EXPIRED, "the commitment comes after the reveals have begun")
        evidence = self.commits.add(signed, proven=signed is self._signed_here)
        return [Accuse(evidence)] if evidence is not None else self._go_on(now_ns)

    def _on_reveal(self, signed: Signed[Reveal], now_ns: int) -> list[Action]:
        if (answer := self._tell(signed.signer, now_ns)) is not None:
            return answer
        check_seen(signed.message, self._voters)
        evidence = self.reveals.add(signed, proven=signed is self._signed_here)
        return [Accuse(evidence)] if evidence is not None else self._go_on(now_ns)

    def _on_report(self, signed: Signed[Report], now_ns: int) -> list[Action]:
        report = signed.message
        if report.view >= self._timing.views or signed.signer != self.leader(report.view):
            raise RefusedMessage(Reason.WRONG_LEADER, f"a report of view {report.view} from who does not lead it")
        evidence = self._reports.add(signed, None if self.certificate is None else self.certificate.subject)
        if evidence is not None:
            return [Accuse(evidence), *self._explain()]
        return [*self._learn_reveals(report), *self._explain(), *self._vote()]

    def _on_vote(self, signed: Signed[Vote], now_ns: int) -> list[Action]:
        return self._after(self.votes.on_message(signed, now_ns), now_ns)

    def _learn_reveals(self, report: Report) -> list[Action]:
        """Who told the leader something else than me has equivocated."""
        actions: list[Action] = []
        for reveal in report.reveals:
            known = self.reveals.get(reveal.signer)
            differs = known is None or (known is not reveal and known.message != reveal.message)
            if differs and reveal.signer not in self.reveals.two_faced:
                evidence = self.reveals.add(reveal)
                actions += [] if evidence is None else [Accuse(evidence)]
        return actions

    def _go_on(self, now_ns: int) -> list[Action]:
        """Enter the phases and views that are due."""
        actions: list[Action] = []
        if self.phase is Phase.COMMIT and self._is_due(self.commits, now_ns):
            self.phase, self._phase_end_ns = Phase.REVEAL, now_ns + self._timing.reveal_ns
            actions += self._open()
        if self.phase is Phase.REVEAL and self._is_due(self.reveals, now_ns):
            self.phase = Phase.REPORT
            self._view_from(now_ns)
            actions += self._lead()
        while self.phase is Phase.REPORT and now_ns >= self._phase_end_ns and self.view + 1 < self._timing.views:
            self.view += 1
            self._view_from(self._phase_end_ns)
            actions += [*self._lead(), *self._vote()]
        return actions

    def _is_due(self, collected: Collected[Any], now_ns: int) -> bool:
        return collected.is_complete or (collected.is_quorum and now_ns >= self._phase_end_ns)

    def _view_from(self, begins_ns: int) -> None:
        """The last view lasts until the deadline."""
        is_last = self.view + 1 >= self._timing.views
        self._phase_end_ns = self.deadline_ns if is_last else begins_ns + self._timing.view_ns

    def _open(self) -> list[Action]:
        if self._mine is None:
            return []
        observation, salt = self._mine
        seen = tuple(sorted({commit.message.commitment for commit in self.commits}))
        return [Sign(Reveal(**self._place(), observation=observation, salt=salt, seen=seen))]

    def _lead(self) -> list[Action]:
        if self._me != self.leader(self.view) or self.status is not Status.OPEN:
            return []
        # What I voted for may have votes elsewhere, so another leader's report goes on under my name.
        voted = self.votes.my_vote
        explained = None if voted is None else self._reports.explains(voted.subject)
        reveals = tuple(self.reveals) if explained is None else explained[0].message.reveals
        subject = self._aggregate(reveals).digest
        return [Sign(Report(**self._place(), view=self.view, subject=subject, reveals=reveals))]

    def _vote(self) -> list[Action]:
        for signed in self._reports if self._context.may_vote else ():
            if signed.message.view <= self.view:
                return self.votes.vote(self._vote_for(signed.message.subject))
        return []

    def _pass_on(self) -> list[Action]:
        """The report that I have voted for and not made: its leader may have shown it to few, who then stay alone."""
        mine = self.votes.tally.votes.get(self._me)
        if mine is None or self.status is not Status.OPEN or mine.message.subject in self._reported:
            return []
        explained = self._reports.explains(mine.message.subject)
        return [] if explained is None else [Broadcast(explained[0])]

    def _vote_for(self, subject: bytes) -> Vote:
        return Vote(
            **self._place(),
            tier=ORACLE_TIER,
            subject=subject,
            choice=Choice.APPROVE,
            expires_at_s=self.start_ns // SECOND_NS + self._timing.valid_seconds,
        )

    def _after(self, actions: list[Action], now_ns: int) -> list[Action]:
        """What the votes want done; a decision is told when it can be explained as well."""
        told: list[Action] = []
        was_over = self.agreed is not None
        for action in actions:
            match action:
                case Decided():
                    told += self._explain()
                case Send(voter=voter) if was_over:
                    told += self._tell(voter, now_ns) or []
                case _:
                    told.append(action)
        return told

    def _explain(self) -> list[Action]:
        if self.certificate is None or self.agreed is not None:
            return []
        explained = self._reports.explains(self.certificate.subject)
        if explained is None:
            return []
        self.agreed, self.phase = explained[1], Phase.OVER
        return [Decided(self.certificate, self.agreed)]

    def _tell(self, voter: bytes, now_ns: int) -> list[Action] | None:
        """The end of the story for who is still at its beginning, but not more often than it may ask."""
        if self.agreed is None or self.certificate is None or voter == self._me:
            return None
        if voter not in self._voters.weights or now_ns < self._told_ns.get(voter, 0) + self._timing.resend_ns:
            return []
        self._told_ns[voter] = now_ns
        explained = self._reports.explains(self.certificate.subject)
        return [Send(voter, self.certificate), *([] if explained is None else [Send(voter, explained[0])])]


_TAKES: dict[type, Callable[[OracleRound, Signed[Any], int], list[Action]]] = {
    Commit: OracleRound._on_commit,
    Reveal: OracleRound._on_reveal,
    Report: OracleRound._on_report,
    Vote: OracleRound._on_vote,
}
