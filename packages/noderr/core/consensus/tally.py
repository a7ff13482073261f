"""Counts the votes of one round: each voter once, and two that differ are evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from noderr.core.consensus.context import RoundContext
from noderr.types.consensus import (
    Certificate,
    Choice,
    Evidence,
    Reason,
    RefusedMessage,
    Signed,
    Vote,
    check_signature,
    has_quorum,
    make_certificate,
)
from noderr.types.signing.account_key import checksum_address


class Outcome(NamedTuple):
    """What votes can agree on. Votes for one subject with another expiry are votes for something else."""

    subject: bytes
    choice: Choice
    expires_at_s: int


class Tally:
    """The votes of one tier, epoch, round and topic."""

    def __init__(self, context: RoundContext, round_: int, topic: bytes) -> None:
        self.voters = context.voters
        self._round = round_
        self._topic = topic
        self._context = context
        self._votes: dict[bytes, Signed[Vote]] = {}
        self._outcomes: dict[bytes, Outcome] = {}
        self._weights: dict[Outcome, int] = {}
        self._left = context.voters.total
        self._two_faced: set[bytes] = set()

    @property
    def votes(self) -> Mapping[bytes, Signed[Vote]]:
        """The first vote of each voter that has voted."""
        return self._votes

    @property
    def missing(self) -> tuple[bytes, ...]:
        """Who has not voted, ascending."""
        return tuple(voter for voter in self.voters.voters if voter not in self._votes)

    @property
    def is_complete(self) -> bool:
        """Whether everybody has voted."""
        return len(self._votes) == len(self.voters.weights)

    def weight(self, outcome: Outcome) -> int:
        """The weight of the votes for it."""
        return self._weights.get(outcome, 0)

    def add(self, signed: Signed[Vote], *, proven: bool = False) -> Evidence[Vote] | None:
        """Count a vote; one that is `proven` was signed here.

        Evidence if the voter voted otherwise before; its first vote stays the one that counts. Raises
        `RefusedMessage` for what does not belong here, is not signed, is known, or comes after the evidence.
        """
        vote = signed.message
        if vote.tier != self.voters.tier or vote.epoch != self.voters.epoch:
            raise RefusedMessage(Reason.WRONG_EPOCH, f"a vote of tier {vote.tier}, epoch {vote.epoch}")
        if vote.round != self._round or vote.topic != self._topic:
            raise RefusedMessage(Reason.WRONG_SUBJECT, f"a vote of round {vote.round} on another topic or round")
        if signed.signer not in self.voters.weights:
            raise RefusedMessage(Reason.NOT_A_MEMBER, f"{checksum_address(signed.signer)} does not vote in this epoch")
        known = self._votes.get(signed.signer)
        if known is not None and (known is signed or known.message == vote):
            raise RefusedMessage(Reason.DUPLICATE, "this vote is counted already")
        if signed.signer in self._two_faced:
            raise RefusedMessage(Reason.EQUIVOCATION, "its signer was found out already")
        if not proven:
            check_signature(signed, self._context.domain, self._context.signatures)
        if known is not None:
            self._two_faced.add(signed.signer)
            return Evidence(known, signed)
        self._votes[signed.signer] = signed
        outcome = self._outcomes[signed.signer] = _outcome(vote)
        weight = self.voters.weights[signed.signer]
        self._weights[outcome] = self.weight(outcome) + weight
        self._left -= weight
        return None

    def decided(self) -> Outcome | None:
        """What a quorum voted for, if one did. An abstention decides nothing."""
        for outcome, weight in self._weights.items():
            if outcome.choice is not Choice.ABSTAIN and has_quorum(weight, self.voters.total):
                return outcome
        return None

    def certificate(self) -> Certificate | None:
        """The proof of `decided`."""
        outcome = self.decided()
        if outcome is None:
            return None
        return make_certificate([vote for voter, vote in self._votes.items() if self._outcomes[voter] == outcome])

    def can_decide(self) -> bool:
        """Whether some outcome can still get a quorum from those who have not voted."""
        best = 0
        for outcome, weight in self._weights.items():
            if weight > best and outcome.choice is not Choice.ABSTAIN:
                best = weight
        return has_quorum(best + self._left, self.voters.total)


def _outcome(vote: Vote) -> Outcome:
    return Outcome(vote.subject, vote.choice, vote.expires_at_s)
