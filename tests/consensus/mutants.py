"""Bugs to plant. Each is a mistake that somebody could make, and the simulation must find every one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

from noderr.core.consensus import tally
from noderr.core.consensus.context import RoundContext
from noderr.core.consensus.guard import Guard
from noderr.core.consensus.tally import Tally
from noderr.core.consensus.testing import ForgetfulDisk
from noderr.oracle_consensus import collected
from noderr.types.consensus import (
    Evidence,
    Reason,
    RefusedMessage,
    Signed,
    Vote,
    VoterSet,
    weights,
)


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

    def twice(self: Tally, signed: Signed[Vote]) -> Evidence[Vote] | None:
        try:
            return add(self, signed)
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


MUTANTS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "quorum-off-by-one": quorum_off_by_one,
    "guard-without-fsync": guard_without_fsync,
    "guard-forgets": guard_forgets,
    "no-membership-check": no_membership_check,
    "vote-counted-twice": vote_counted_twice,
    "signature-not-checked": signature_not_checked,
}
"""By the name that the command line has."""


@contextlib.contextmanager
def planted(name: str | None) -> Iterator[None]:
    """Run with this bug; with none, as it is."""
    with MUTANTS[name]() if name is not None else contextlib.nullcontext():
        yield
