"""Voters that do anything their keys allow. They hear everything, and send to each voter what they like."""

from __future__ import annotations

import copy
import operator
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from noderr.core.consensus.actions import Payload
from noderr.oracle_consensus.messages import Report
from noderr.types.consensus import (
    Certificate,
    Choice,
    ProtocolMessage,
    Signed,
    Vote,
    make_certificate,
)
from noderr.types.eip712 import Domain
from tests.consensus.judge import Judge
from tests.consensus.protocols import START_S
from tests.consensus.signatures import SimulatedKey

OUTSIDER = 900
"""Number of a key that is in no set of voters."""

_REACTIONS = 25
_OUTCOME = operator.attrgetter("round", "subject", "choice", "expires_at_s")

type SendTo = Callable[[bytes, Payload], None]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a Byzantine voter knows: where signatures count, and whom there is to lie to, in the order of leading."""

    domain: Domain
    judge: Judge
    voters: Sequence[bytes]
    randomness: random.Random


class ByzantineVoter:
    """Signs whatever may hurt: votes for every side, votes of outsiders, broken and old copies of what it hears."""

    def __init__(self, number: int, around: Surroundings) -> None:
        self.address = number.to_bytes(20, "big")
        self.around = around
        self.randomness = around.randomness
        self.round = -1
        self._key = SimulatedKey(number)
        self._outsider = SimulatedKey(OUTSIDER + number)
        self._heard: list[Payload] = []
        self._mine: list[Signed[ProtocolMessage]] = []
        self._reactions = 0

    def begin(self) -> None:
        """A round of a higher number has begun."""
        self._reactions = _REACTIONS

    def on_payload(self, payload: Payload, send: SendTo) -> None:
        """React to what was heard."""
        round_ = payload.round if isinstance(payload, Certificate) else payload.message.round
        if round_ > self.round:
            self.round = round_
            self.begin()
        self._heard.append(payload)
        if self._reactions <= 0:
            return
        self._reactions -= 1
        moves = (self._vote_for, self._outsider_vote, self._spoiled, self._old, self._again, self._proof, self._nothing)
        for voter in self.around.voters:
            made = self.randomness.choice(moves)(payload)
            if made is not None:
                send(voter, made)

    def sign(self, message: ProtocolMessage) -> Signed[ProtocolMessage]:
        """With its own key, whatever it signed before."""
        signed = self._sign(self._key, message)
        self._mine.append(signed)
        return signed

    def resigned[M: ProtocolMessage](self, signed: Signed[M]) -> Signed[M]:
        """The same message with another signature, as the holder of a key can make."""
        return copy.replace(signed, signature=signed.signature[:-13] + self.randomness.randbytes(13))

    def _vote_for(self, payload: Payload) -> Payload | None:
        vote = self._some_vote(payload)
        return None if vote is None else self.sign(vote)

    def _outsider_vote(self, payload: Payload) -> Payload | None:
        vote = self._some_vote(payload)
        return None if vote is None else self._sign(self._outsider, vote)

    def _some_vote(self, payload: Payload) -> Vote | None:
        if isinstance(payload, Certificate):
            return None
        message = payload.message
        if isinstance(message, Vote):
            choice = self.randomness.choice([Choice.APPROVE, Choice.REJECT, message.choice])
            return copy.replace(message, choice=choice)
        if isinstance(message, Report):
            return Vote(
                tier=message.tier,
                epoch=message.epoch,
                round=message.round,
                topic=message.topic,
                subject=message.subject,
                choice=Choice.APPROVE,
                expires_at_s=START_S + 10**6,
            )
        return None

    def _spoiled(self, payload: Payload) -> Payload | None:
        if isinstance(payload, Certificate):
            return copy.replace(payload, signatures=payload.signatures[:-1])
        if self.randomness.random() < 0.5:
            return copy.replace(payload, signer=self.address)
        return copy.replace(payload, signature=self.randomness.randbytes(65))

    def _old(self, _payload: Payload) -> Payload | None:
        return self.randomness.choice(self._heard)

    def _again(self, _payload: Payload) -> Payload | None:
        return self.resigned(self.randomness.choice(self._mine)) if self._mine else None

    def _proof(self, _payload: Payload) -> Payload | None:
        # A certificate of what it has heard, old or new, of a quorum or not; nobody else may know the certificate.
        votes: list[Signed[Vote]] = [
            one  # type: ignore[misc]  # mypy does not narrow the parameter of Signed.
            for one in self._heard
            if isinstance(one, Signed) and isinstance(one.message, Vote)
        ]
        if not votes:
            return None
        like = self.randomness.choice(votes).message
        same = {vote.signer: vote for vote in votes if _OUTCOME(vote.message) == _OUTCOME(like)}
        return make_certificate(same.values())

    def _nothing(self, _payload: Payload) -> Payload | None:
        return None

    def _sign(self, key: SimulatedKey, message: ProtocolMessage) -> Signed[ProtocolMessage]:
        self.around.judge.on_signed(key.address, message)
        return Signed(message, key.address, key.sign(message.digest_in(self.around.domain)))
