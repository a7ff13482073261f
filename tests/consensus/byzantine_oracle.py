"""Oracles that lie about what they see, when they saw it, and what follows from it."""

from __future__ import annotations

import enum
from typing import Any

from noderr.core.consensus.actions import Payload
from noderr.oracle_consensus.aggregate import aggregate
from noderr.oracle_consensus.messages import Commit, Observation, Report, Reveal, commitment
from noderr.types.consensus import Certificate, ProtocolMessage, Signed, VoterSet
from tests.consensus.byzantine import ByzantineVoter, SendTo
from tests.consensus.protocols import EPOCH, MARKET, MODEL, TIMING, round_start_s

_FAR = 10**12


class Style(enum.Enum):
    """How it lies in a round."""

    LATE = enum.auto()
    """Commits itself, if at all, once it has heard what the others reveal."""
    TWO_FACED = enum.auto()
    """Commits itself to one thing before some and to another before others, and may open either."""
    BAIT = enum.auto()
    """Commits itself before some so that they reveal, and before the others to what these have revealed."""
    COPY = enum.auto()
    """Says what another oracle said, from the commitment on."""
    EXTREME = enum.auto()
    """Says in time what is far from everything."""


class ByzantineOracle(ByzantineVoter):
    """Does what a Byzantine voter does, and this."""

    def begin(self) -> None:
        super().begin()
        self._style = self.randomness.choice(list(Style))
        self._salt = self.randomness.randbytes(32)
        self._faces = [self._seen(_FAR), self._seen(-_FAR)]
        self._commits: dict[bytes, Signed[ProtocolMessage]] = {}
        self._reveals: dict[bytes, Signed[Reveal]] = {}
        self._baited: list[bytes] = []
        self._has_committed = self._has_revealed = False
        self._reports = 3

    def on_payload(self, payload: Payload, send: SendTo) -> None:
        super().on_payload(payload, send)
        if isinstance(payload, Certificate) or payload.message.round != self.round:
            return
        match payload.message:
            case Commit():
                self._commits[payload.signer] = payload
                if not self._has_committed and self._style is not Style.LATE:
                    self._commit(payload.message, send)
            case Reveal():
                self._reveals[payload.signer] = payload  # type: ignore[assignment]
                if self._style is Style.BAIT:
                    self._copy_when_enough(payload.message, send)
                elif not self._has_revealed:
                    self._reveal(payload.message, send)
                if 3 * len(self._reveals) > 2 * len(self.around.voters):
                    self._report(payload.message, send)

    def _seen(self, value: int) -> Observation:
        return Observation(
            prediction_e8=value + self.randomness.randrange(1_000),
            confidence_bps=10_000,
            mid_price_e8=1,
            observed_at_s=round_start_s(self.round),
            model_hash=MODEL,
        )

    def _commit(self, like: Commit | Reveal, send: SendTo) -> None:
        self._has_committed = True
        hidden = [commitment(self.address, face, self._salt) for face in self._faces]
        if self._style is Style.COPY and isinstance(like, Commit):
            hidden = [like.commitment]
        elif self._style is not Style.TWO_FACED:
            hidden = hidden[:1]
        signed = [self.sign(Commit(**_place(like), commitment=one)) for one in hidden]
        to = self.around.voters
        if self._style is Style.BAIT:
            to = self._baited = self.randomness.sample(to, self.randomness.randint(1, len(to)))
        for voter in to:
            send(voter, self.randomness.choice(signed))

    def _copy_when_enough(self, like: Reveal, send: SendTo) -> None:
        """Once a third has revealed: commits itself to what one of them said, before those that still wait for it."""
        if self._has_revealed or 3 * len(self._reveals) < len(self.around.voters):
            return
        self._has_revealed = True
        made = self.sign(Commit(**_place(like), commitment=commitment(self.address, like.observation, self._salt)))
        for voter in self.around.voters:
            if voter not in self._baited:
                send(voter, made)
        self._tell([(like.observation, self._salt)], like, send)

    def _reveal(self, like: Reveal, send: SendTo) -> None:
        self._has_revealed = True
        if self._style is Style.LATE and self.randomness.random() < 0.5:
            self._commit(like, send)
        faces = [(face, self._salt) for face in self._faces[: 2 if self._style is Style.TWO_FACED else 1]]
        if self._style is Style.COPY:
            faces = [(like.observation, like.salt)]
        self._tell(faces, like, send)

    def _tell(self, faces: list[tuple[Observation, bytes]], like: Reveal, send: SendTo) -> None:
        # It says of each commitment that it had it, of its own as well.
        seen = {commit.message.commitment for commit in self._commits.values()}  # type: ignore[attr-defined]
        seen |= {commitment(self.address, *face) for face in faces}
        made = [
            self.sign(Reveal(**_place(like), observation=face, salt=salt, seen=tuple(sorted(seen))))
            for face, salt in faces
        ]
        for one in made:
            self._reveals[self.address] = one  # type: ignore[assignment]
        for voter in self.around.voters:
            send(voter, self.resigned(self.randomness.choice(made)))

    def _report(self, like: Reveal, send: SendTo) -> None:
        voters = self.around.voters
        views = [view for view in range(TIMING.views) if voters[(self.round + view) % len(voters)] == self.address]
        if not views or self._reports <= 0:
            return
        self._reports -= 1
        told = tuple(self._reveals[oracle] for oracle in sorted(self._reveals))
        subsets = (told, told[1:], told[:-1])
        for voter in voters:
            reveals = tuple(
                self.resigned(one) if one.signer == self.address else one for one in self.randomness.choice(subsets)
            )
            subject = self._subject(reveals)
            if self.randomness.random() < 0.3:
                subject = self._subject(self.randomness.choice(subsets))
            report = Report(**_place(like), view=self.randomness.choice(views), subject=subject, reveals=reveals)
            send(voter, self.sign(report))

    def _subject(self, reveals: tuple[Signed[Reveal], ...]) -> bytes:
        voters = VoterSet(3, EPOCH, dict.fromkeys(self.around.voters, 1))
        commit_seconds = TIMING.commit_ns // 10**9
        agreed = aggregate(reveals, voters, MARKET, start_s=round_start_s(self.round), commit_seconds=commit_seconds)
        return agreed.digest


def _place(like: Any) -> dict[str, Any]:
    return {field: getattr(like, field) for field in ("epoch", "round", "topic")}
