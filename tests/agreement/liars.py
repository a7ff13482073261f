"""Three ways to lie: two things at once, everything to everybody, and noise."""

from __future__ import annotations

import copy
from typing import Any

from noderr.core.consensus.actions import Payload
from noderr.oracle_consensus.aggregate import aggregate
from noderr.oracle_consensus.messages import Commit, Observation, Report, Reveal
from noderr.types.consensus import Certificate, Choice, Signed, Vote, sign
from noderr.types.signing.account_key import AccountKey
from tests.agreement.liar import Liar
from tests.agreement.observing_node import markets

_FAR_E8 = 10**12
_VIEWS = 3
_VALID_SECONDS = 60


def _vote(report: Report | Vote, subject: bytes, choice: Choice, now_s: int) -> Vote:
    expires = report.expires_at_s if isinstance(report, Vote) else now_s + _VALID_SECONDS
    place: dict[str, Any] = {"epoch": report.epoch, "round": report.round, "topic": report.topic}
    return Vote(**place, tier=3, subject=subject, choice=choice, expires_at_s=expires)


class TwoFaced(Liar):
    """Commits itself to two things, opens both, votes for two subjects, and leads with two reports that both hold."""

    def begin(self, place: dict[str, Any]) -> None:
        self._faces = [self.observation(_FAR_E8), self.observation(-_FAR_E8)]
        self._done: set[str] = set()
        self.tell_two("two commitments", *(self.commit(place, face) for face in self._faces))

    def hear(self, payload: Payload, place: dict[str, Any]) -> None:
        message = payload.message if isinstance(payload, Signed) else None
        if isinstance(message, Reveal) and self._first("reveals"):
            one, other = (self.reveal(place, face) for face in self._faces)
            self.reveals[self.account.address] = one
            self.tell_two("two reveals", one, other)
        if isinstance(message, Vote | Report) and self._first("votes"):
            now_s = self.peer.clock.now_ns() // 10**9
            votes = [_vote(message, subject, Choice.APPROVE, now_s) for subject in (message.subject, b"\5" * 32)]
            self.tell_two("two votes", *map(self.sign, votes))
        for view in range(_VIEWS):
            if self.leads(view) and len(self.reveals) > 8 and self._first(f"report {view}"):
                told = tuple(self.reveals[oracle] for oracle in sorted(self.reveals))
                reports = [Report(**place, view=view, subject=self._subject(one), reveals=one) for one in _two_of(told)]
                self.tell_two("two reports", *map(self.sign, reports))

    def _first(self, what: str) -> bool:
        was_done = what in self._done
        self._done.add(what)
        return not was_done

    def _subject(self, reveals: tuple[Signed[Reveal], ...]) -> bytes:
        start_s = self.peer.clock.now_ns() // 10**9
        return aggregate(reveals, self.voters, markets(1)[0], start_s=start_s, commit_seconds=0).digest


def _two_of(told: tuple[Signed[Reveal], ...]) -> tuple[tuple[Signed[Reveal], ...], ...]:
    return told[1:], told[:-1]


class VotesForAll(Liar):
    """Is far off in time, votes for and against whatever it hears of, and reports what does not follow, in any view."""

    def begin(self, place: dict[str, Any]) -> None:
        self._mine: tuple[Observation, bytes] | None = self.observation(_FAR_E8)
        self._left, self._reports = 8, 2
        self.tell("far off", self.commit(place, self._mine))

    def hear(self, payload: Payload, place: dict[str, Any]) -> None:
        if isinstance(payload, Certificate) or self._left <= 0:
            return
        message = payload.message
        if isinstance(message, Reveal):
            if self._mine is not None:
                self.tell("far off", self.reveal(place, self._mine))
                self._mine = None
            if len(self.reveals) > 6 and self._reports > 0:
                self._reports -= 1
                told = tuple(self.reveals[oracle] for oracle in sorted(self.reveals))
                for view in range(_VIEWS):
                    wrong = self.sign(Report(**place, view=view, subject=b"\6" * 32, reveals=told))
                    few = self.sign(Report(**place, view=view, subject=b"\6" * 32, reveals=told[:3]))
                    self.tell("wrong subject" if self.leads(view) else "not the leader", wrong, few)
        if isinstance(message, Vote | Report):
            self._left -= 1
            now_s = self.peer.clock.now_ns() // 10**9
            votes = [_vote(message, message.subject, choice, now_s) for choice in Choice]
            self.tell("votes for all", *map(self.sign, votes))


class Noise(Liar):
    """Says nothing that counts: broken, forged, foreign, old, early and endless bundles."""

    def begin(self, place: dict[str, Any]) -> None:
        self._left = 5
        self.lies["noise"] += 1
        foreign = copy.replace(self.codec, domain=copy.replace(self.domain, chain_id=1))
        for bundle in (
            b"\xff" * 100,
            self.randomness.randbytes(1000),
            b"\0" * 600_000,
            self.codec.encode([]) + b"\x1a\x02\x08\x01",
            foreign.encode(list(self.old())),
        ):
            self.send(bundle)
        hidden = self.randomness.randbytes(32)
        for shift in (-30, 100):
            elsewhere = place | {"round": max(place["round"] + shift, 0)}
            self.tell("of another time", self.sign(Commit(**elsewhere, commitment=hidden)))
        self.tell("of another epoch", self.sign(Commit(**(place | {"epoch": 2}), commitment=hidden)))

    def hear(self, payload: Payload, place: dict[str, Any]) -> None:
        self._left -= 1
        if isinstance(payload, Certificate) or self._left < 0:
            return
        outsider = AccountKey(self.randomness.randbytes(32))
        self.tell(
            "forged",
            *self.old(),
            sign(payload.message, outsider, self.domain),
            copy.replace(payload, signer=self.account.address),
            copy.replace(payload, signature=self.randomness.randbytes(64) + b"\x1b"),
        )
