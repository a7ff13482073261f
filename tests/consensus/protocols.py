"""The three protocols as the simulation sees them: how a round of each is made, and how a voter takes part in it."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from noderr.core.consensus.actions import Action
from noderr.core.consensus.context import RoundContext
from noderr.core.consensus.round import Round
from noderr.core.consensus.vote_round import VoteRound
from noderr.oracle_consensus.market import SECOND_NS, Market, Timing
from noderr.oracle_consensus.messages import ABSTENTION, Observation
from noderr.oracle_consensus.oracle_round import OracleRound
from noderr.types.consensus import Choice, Vote
from noderr.types.tier_numbers import GUARDIAN_TIER

START_S = 1_790_000_000
EPOCH = 9
MODEL = b"\7" * 32
MARKET = Market(symbol="BTC/USD", horizon_seconds=300, models=frozenset({MODEL}))
# Sends again less often than a node does: most of a schedule's cost is repetition. Votes expire while rounds are kept.
TIMING = Timing(resend_ns=2 * SECOND_NS, valid_seconds=32)
_VOTE_SECONDS = 12

type Observed = Callable[[int, int], None]
"""Called with the round and the value that an honest oracle saw."""


class ConsensusProtocol(Protocol):
    """One of the three."""

    tier: int
    period_ns: int

    def open(self, context: RoundContext, number: int) -> Round:
        """A voter's round of this number."""

    def take_part(
        self, round_: Round, voter: int, wish: int, randomness: random.Random, observed: Observed
    ) -> list[Action]:
        """What the voter does at the start. `wish` tells apart what two instances of one voter want."""


def start_ns(protocol: ConsensusProtocol, number: int) -> int:
    """When the round of this number begins."""
    return START_S * SECOND_NS + number * protocol.period_ns


@dataclass
class OracleProtocol:
    """Oracles observe a value around 10^6 and sometimes abstain."""

    voters: Sequence[bytes]
    tier: int = 3
    period_ns: int = TIMING.round_ns + SECOND_NS

    def open(self, context: RoundContext, number: int) -> OracleRound:
        return OracleRound(context, self.voters, MARKET, TIMING, round_=number, start_ns=start_ns(self, number))

    def take_part(
        self, round_: Round, voter: int, wish: int, randomness: random.Random, observed: Observed
    ) -> list[Action]:
        assert isinstance(round_, OracleRound)
        salt = randomness.randbytes(32)
        if randomness.random() < 0.05:
            return round_.observe(ABSTENTION, salt)
        value = 1_000_000 + 1_000 * voter + wish + randomness.randrange(1_000)
        observed(round_.round, value)
        return round_.observe(
            Observation(
                prediction_e8=value,
                confidence_bps=7_000,
                mid_price_e8=64_000 * 10**8,
                observed_at_s=round_.start_ns // SECOND_NS,
                model_hash=MODEL,
            ),
            salt,
        )


def round_start_s(number: int) -> int:
    """When the oracles' round of this number begins, in Unix seconds."""
    return START_S + number * OracleProtocol.period_ns // SECOND_NS


@dataclass
class VoteProtocol:
    """Guardians vote on a proposal, validators on an execution: the machine is one, what they vote on is not.

    Each subject is right or wrong; honest voters judge alike, except that a guardian may have another portfolio in view
    (`dissent`), and a second instance of a voter always says the opposite.
    """

    tier: int
    dissent: float = 0.0
    period_ns: int = 11 * SECOND_NS

    def open(self, context: RoundContext, number: int) -> VoteRound:
        return VoteRound(
            context,
            round_=number,
            topic=_digest("topic", number),
            deadline_ns=start_ns(self, number) + 10 * SECOND_NS,
            resend_ns=2 * SECOND_NS,
        )

    def take_part(
        self, round_: Round, voter: int, wish: int, randomness: random.Random, observed: Observed
    ) -> list[Action]:
        assert isinstance(round_, VoteRound)
        subject = _digest("subject", round_.round)
        approves = (subject[0] % 2 == 0) ^ bool(wish) ^ (randomness.random() < self.dissent)
        vote = Vote(
            tier=self.tier,
            epoch=EPOCH,
            round=round_.round,
            topic=round_.topic,
            subject=subject,
            choice=Choice.APPROVE if approves else Choice.REJECT,
            # Which checks of a validator pass, and why a guardian rejects, may differ between those that agree, and
            # between two looks of the same voter.
            codes=0 if approves and self.tier == GUARDIAN_TIER else randomness.randrange(16),
            expires_at_s=start_ns(self, round_.round) // SECOND_NS + _VOTE_SECONDS,
        )
        return round_.vote(vote)


def _digest(word: str, number: int) -> bytes:
    return hashlib.sha256(f"{word} {number}".encode()).digest()


def protocol_of(name: str, voters: Sequence[bytes], *, dissent: float = 0.0) -> ConsensusProtocol:
    """By the name that the command line has."""
    match name:
        case "oracle":
            return OracleProtocol(voters)
        case "guardian":
            return VoteProtocol(tier=GUARDIAN_TIER, dissent=dissent)
        case "validator":
            return VoteProtocol(tier=1)
    raise ValueError(f"{name!r} is no protocol: oracle, guardian or validator")


PROTOCOLS = ("oracle", "guardian", "validator")
