"""Voters that do anything their keys allow. They hear everything, and send to each voter what they like."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Sequence

from noderr.core.consensus.actions import Payload
from noderr.oracle_consensus.messages import Report
from noderr.types.consensus import Certificate, Choice, ProtocolMessage, Signed, Vote, message_digest
from noderr.types.eip712 import Domain
from tests.consensus.judge import Judge
from tests.consensus.protocols import START_S
from tests.consensus.signatures import SimulatedKey

OUTSIDER = 900
"""Number of a key that is in no set of voters."""

type SendTo = Callable[[bytes, Payload], None]


class ByzantineVoter:
    """Signs whatever may hurt: votes for every side, votes of outsiders, broken copies of what it hears."""

    def __init__(
        self, number: int, domain: Domain, judge: Judge, others: Sequence[bytes], randomness: random.Random
    ) -> None:
        self.address = number.to_bytes(20, "big")
        self._key = SimulatedKey(number)
        self._outsider = SimulatedKey(OUTSIDER + number)
        self._domain = domain
        self._judge = judge
        self._others = others
        self._randomness = randomness
        self._heard: list[Payload] = []
        self._budget = 40

    def on_payload(self, payload: Payload, send: SendTo) -> None:
        """React to what was heard."""
        self._heard.append(payload)
        if self._budget <= 0:
            return
        self._budget -= 1
        for voter in self._others:
            moves = (self._vote_for, self._outsider_vote, self._spoiled, self._old, self._nothing)
            move = self._randomness.choice(moves)
            made = move(payload)
            if made is not None:
                send(voter, made)

    def _vote_for(self, payload: Payload) -> Payload | None:
        vote = self._some_vote(payload)
        return None if vote is None else self._sign(self._key, vote)

    def _outsider_vote(self, payload: Payload) -> Payload | None:
        vote = self._some_vote(payload)
        return None if vote is None else self._sign(self._outsider, vote)

    def _some_vote(self, payload: Payload) -> Vote | None:
        if isinstance(payload, Certificate):
            return None
        message = payload.message
        if isinstance(message, Vote):
            choice = self._randomness.choice([Choice.APPROVE, Choice.REJECT, message.choice])
            return dataclasses.replace(message, choice=choice)
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
            return dataclasses.replace(payload, signatures=payload.signatures[:-1])
        if self._randomness.random() < 0.5:
            return dataclasses.replace(payload, signer=self.address)
        return dataclasses.replace(payload, signature=self._randomness.randbytes(65))

    def _old(self, _payload: Payload) -> Payload | None:
        return self._randomness.choice(self._heard)

    def _nothing(self, _payload: Payload) -> Payload | None:
        return None

    def _sign(self, key: SimulatedKey, message: ProtocolMessage) -> Signed[ProtocolMessage]:
        self._judge.on_signed(key.address, message)
        return Signed(message, key.address, key.sign(message_digest(message, self._domain)))
