"""Bugs to plant. Each is a mistake that somebody could make, and the simulation must find every one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from noderr.core.consensus import tally, vote_round
from noderr.core.consensus.actions import Action
from noderr.core.consensus.context import RoundContext
from noderr.core.consensus.guard import Guard
from noderr.core.consensus.tally import Tally
from noderr.core.consensus.testing import ForgetfulDisk
from noderr.core.consensus.vote_round import VoteRound
from noderr.oracle_consensus import aggregate, collected
from noderr.oracle_consensus.messages import Report, Reveal
from noderr.oracle_consensus.reports import Reports
from noderr.types.consensus import (
    Evidence,
    Reason,
    RefusedMessage,
    Signed,
    Vote,
    VoterSet,
    verify_certificate,
    weights,
)
from noderr.types.consensus.agreed_signal import AgreedSignal
from tests.consensus import reference
from tests.consensus.protocols import PROTOCOLS


class _AnyVoter(dict[bytes, int]):
    """Weights that everybody has."""

    def __contains__(self, _voter: object) -> bool:
        return True

    def __missing__(self, _voter: bytes) -> int:
        return 1


@contextlib.contextmanager
def quorum_off_by_one() -> Iterator[None]:
    """One vote less than a quorum decides."""

    def has_quorum(weight: int, total: int) -> bool:
        return 3 * (weight + 1) > 2 * total

    with contextlib.ExitStack() as patches:
        for module in (tally, collected, weights):
            patches.enter_context(mock.patch.object(module, "has_quorum", has_quorum))
        yield


def guard_without_fsync() -> AbstractContextManager[Any]:
    """The guard writes what is about to be signed, and does not wait for the disk."""
    return mock.patch.object(ForgetfulDisk, "sync", return_value=None)


def guard_forgets() -> AbstractContextManager[Any]:
    """The guard starts empty after every restart."""
    return mock.patch.object(Guard, "_learn", return_value=None)


@contextlib.contextmanager
def no_membership_check() -> Iterator[None]:
    """Whoever signs counts."""
    init = RoundContext.__init__

    def everybody(self: RoundContext, me: bytes, voters: VoterSet, *rest: Any) -> None:
        init(self, me, VoterSet(voters.tier, voters.epoch, _AnyVoter(voters.weights)), *rest)

    with mock.patch.object(RoundContext, "__init__", everybody):
        yield


@contextlib.contextmanager
def vote_counted_twice() -> Iterator[None]:
    """A vote that comes again counts again."""
    add = Tally.add

    def twice(self: Tally, signed: Signed[Vote], *, proven: bool = False) -> Evidence[Vote] | None:
        try:
            return add(self, signed, proven=proven)
        except RefusedMessage as refused:
            if refused.reason is Reason.DUPLICATE:
                outcome = tally._outcome(signed.message)
                self._weights[outcome] = self.weight(outcome) + self.voters.weights[signed.signer]
                return None
            raise

    with mock.patch.object(Tally, "add", twice):
        yield


def signature_not_checked() -> AbstractContextManager[Any]:
    """Votes are believed."""
    return mock.patch.object(tally, "check_signature", lambda signed, *_rest: signed.message.struct_hash)


@contextlib.contextmanager
def two_votes_a_round() -> Iterator[None]:
    """The machine forgets that it has voted, and the guard permits everything."""
    vote = VoteRound.vote

    def again(self: VoteRound, vote_: Vote) -> list[Action]:
        self.my_vote = None
        return vote(self, vote_)

    with mock.patch.object(VoteRound, "vote", again), mock.patch.object(Guard, "permit", return_value=None):
        yield


def expired_certificates_accepted() -> AbstractContextManager[Any]:
    """A certificate proves for ever what it says."""

    def verify(*arguments: Any, now_s: int, **options: Any) -> None:
        verify_certificate(*arguments, now_s=0, **options)

    return mock.patch.object(vote_round, "verify_certificate", verify)


def late_commitments_count() -> AbstractContextManager[Any]:
    """An observation counts whether or not anybody had its commitment."""
    return mock.patch.object(aggregate, "committed_in_time", lambda reveals, _voters: reveals)


@contextlib.contextmanager
def a_third_had_the_commitment() -> Iterator[None]:
    """An observation counts if one honest oracle had its commitment; whoever judges believes that too."""

    def a_third(weight: int, total: int) -> bool:
        return 3 * weight >= total

    def judged(reveal: Signed[Reveal], reveals: Sequence[Signed[Reveal]], oracles: int) -> bool:
        mine = reference.commitment_of(reveal)
        return a_third(sum(mine in one.message.seen for one in reveals), oracles)

    with (
        mock.patch.object(aggregate, "has_quorum", a_third),
        mock.patch.object(reference, "_is_committed", judged),
    ):
        yield


@contextlib.contextmanager
def subject_not_recomputed() -> Iterator[None]:
    """A leader is believed that its subject follows from its observations."""
    check = Reports._check

    def believe(self: Reports, signed: Signed[Report]) -> AgreedSignal:
        try:
            return check(self, signed)
        except RefusedMessage as refused:
            if refused.reason is Reason.UNPROVEN:
                return self._aggregate(signed.message.reveals)
            raise

    with mock.patch.object(Reports, "_check", believe):
        yield


def median_of_those_present() -> AbstractContextManager[Any]:
    """Two thirds of those who revealed are enough for a signal, instead of two thirds of all."""

    of_all = aggregate.aggregate

    def of_present(reveals: tuple[Signed[Reveal], ...], voters: VoterSet, *rest: Any, **options: Any) -> AgreedSignal:
        present = {one.signer: voters.weights[one.signer] for one in reveals}
        return of_all(reveals, VoterSet(voters.tier, voters.epoch, present), *rest, **options)

    return mock.patch.object(aggregate, "aggregate", of_present)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A bug; `finding` is how a finding of the simulation begins or what is in it, each of which is right."""

    plant: Callable[[], AbstractContextManager[Any]]
    findings: tuple[str, ...]
    protocols: tuple[str, ...] = PROTOCOLS


_TWO = "signed two "
_QUORUM = "signatures, which are no quorum"
_DIFFERENT = "decided twice, differently"
_FOLLOWS = "and from the report follows"

MUTANTS: dict[str, Mutant] = {
    "quorum-off-by-one": Mutant(quorum_off_by_one, (_QUORUM, _DIFFERENT)),
    "guard-without-fsync": Mutant(guard_without_fsync, (_TWO,)),
    "guard-forgets": Mutant(guard_forgets, (_TWO,)),
    "no-membership-check": Mutant(no_membership_check, (_QUORUM,)),
    "vote-counted-twice": Mutant(vote_counted_twice, (_QUORUM,)),
    "signature-not-checked": Mutant(signature_not_checked, (_QUORUM, "and nothing is proven")),
    "two-votes-a-round": Mutant(two_votes_a_round, (_TWO,)),
    "expired-certificates-accepted": Mutant(expired_certificates_accepted, ("on a certificate that had expired",)),
    "late-commitments-count": Mutant(late_commitments_count, (_FOLLOWS,), ("oracle",)),
    "a-third-had-the-commitment": Mutant(a_third_had_the_commitment, ("honest ones were revealed",), ("oracle",)),
    "subject-not-recomputed": Mutant(subject_not_recomputed, ("something else than it says",), ("oracle",)),
    "median-of-those-present": Mutant(median_of_those_present, (_FOLLOWS,), ("oracle",)),
}
"""By the name that the command line has."""


@contextlib.contextmanager
def planted(name: str | None) -> Iterator[None]:
    """Run with this bug; with none, as it is."""
    with MUTANTS[name].plant() if name is not None else contextlib.nullcontext():
        yield
