"""Liars that commit themselves to some oracles, read what these reveal, and commit themselves anew to the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from noderr.core.consensus.actions import Action, Broadcast
from noderr.core.consensus.context import RoundContext
from noderr.core.consensus.testing import DOMAIN, NOW_NS, keys, voter_set
from noderr.oracle_consensus.aggregate import aggregate, committed_in_time
from noderr.oracle_consensus.market import SECOND_NS
from noderr.oracle_consensus.messages import Commit, Observation, Reveal, commitment
from noderr.oracle_consensus.oracle_round import OracleRound
from noderr.oracle_consensus.testing import MARKET, PLACE, TIMING, do, observation
from noderr.types.consensus import AccountSignatures, Signed, max_faulty, sign

BAIT_SALT, LATE_SALT = b"\x77" * 32, b"\x88" * 32


def seen_by(oracle: int, **changes: Any) -> Observation:
    return observation(oracle, confidence_bps=6_000, **changes)


class Committee:
    """So many oracles, of which the last ones lie; the honest have observed and committed themselves."""

    def __init__(self, size: int) -> None:
        self.keys = keys(size)
        self.addresses = [key.address for key in self.keys]
        self.voters = voter_set(self.keys)
        self.honest = range(size - max_faulty(size))
        self.liars = range(size - max_faulty(size), size)
        self.commits: dict[int, Signed[Commit]] = {}
        self.machines = {one: self._begun(one) for one in self.honest}

    def _begun(self, me: int) -> OracleRound:
        context = RoundContext(self.addresses[me], self.voters, DOMAIN, AccountSignatures())
        machine = OracleRound(context, self.addresses, MARKET, TIMING, round_=PLACE["round"], start_ns=NOW_NS)
        sent = do(machine, machine.observe(seen_by(me), bytes([me + 1]) * 32), self.keys[me])
        self.commits[me] = sent[0].payload  # type: ignore[union-attr, assignment]
        return machine

    def commit(self, me: int, what: Observation, salt: bytes) -> Signed[Commit]:
        made = commitment(self.addresses[me], what, salt)
        return sign(Commit(**PLACE, commitment=made), self.keys[me], DOMAIN)

    def hear(self, me: int, messages: Iterable[Signed[Commit]]) -> list[Signed[Reveal]]:
        """What it reveals, if these are all that it waits for."""
        actions: list[Action] = []
        for message in messages:
            actions += do(self.machines[me], self.machines[me].on_message(message, NOW_NS), self.keys[me])
        sent = [action.payload for action in actions if isinstance(action, Broadcast)]
        return [one for one in sent if isinstance(one, Signed) and isinstance(one.message, Reveal)]  # type: ignore[misc]

    def others(self, me: int) -> list[Signed[Commit]]:
        return [self.commits[one] for one in self.honest if one != me]

    def counting(self, reveals: Sequence[Signed[Reveal]]) -> set[bytes]:
        return {one.signer for one in committed_in_time(sorted(reveals, key=lambda one: one.signer), self.voters)}

    def lie(self, me: int, what: Observation, salt: bytes, seen: Iterable[bytes]) -> Signed[Reveal]:
        made = Reveal(**PLACE, observation=what, salt=salt, seen=tuple(sorted({*seen})))
        return sign(made, self.keys[me], DOMAIN)


@pytest.mark.parametrize("size", [4, 7, 10])
def test_what_was_made_after_a_third_had_revealed_does_not_count(size: int) -> None:
    all_, baited = Committee(size), []
    # Just so many are baited that they could make the difference: a third of all.
    count = -(-size // 3)
    for me in all_.honest[:count]:
        baits = [all_.commit(liar, seen_by(liar), BAIT_SALT) for liar in all_.liars]
        baited += all_.hear(me, [*all_.others(me), *baits])
    assert len(baited) == count, "they are complete, and reveal at once"
    copied = baited[0].message.observation
    late = [all_.commit(liar, copied, LATE_SALT) for liar in all_.liars]
    revealed = list(baited)
    for me in all_.honest[count:]:
        revealed += all_.hear(me, [*all_.others(me), *late])
    assert len(revealed) == len(all_.honest)
    seen = {one.message.commitment for one in (*all_.commits.values(), *late)}
    lies = [all_.lie(liar, copied, LATE_SALT, seen) for liar in all_.liars]
    everything = [*revealed, *lies]
    assert all_.counting(everything) == {all_.addresses[one] for one in all_.honest}
    # A leader that lies as well leaves out as many of the baited as it can.
    quorum = 2 * size // 3 + 1
    chosen = sorted([*lies, *revealed[::-1]][:quorum], key=lambda one: one.signer)
    assert all_.counting(chosen).isdisjoint(all_.addresses[liar] for liar in all_.liars)


@pytest.mark.parametrize("size", [4, 7, 10])
def test_nobody_has_two_observations_to_choose_from_after_the_reveals(size: int) -> None:
    all_ = Committee(size)
    faces = [seen_by(all_.liars[0], prediction_e8=value) for value in (-(10**9), 10**9)]
    for first in range(len(all_.honest) + 1):
        all_ = Committee(size)
        revealed = []
        for me in all_.honest:
            told = [all_.commit(liar, faces[me >= first], LATE_SALT) for liar in all_.liars]
            revealed += all_.hear(me, [*all_.others(me), *told])
        # The liars say of everything that they had it.
        both = {commitment(all_.addresses[liar], face, LATE_SALT) for liar in all_.liars for face in faces}
        seen = both | {one.message.commitment for one in all_.commits.values()}
        signals = set()
        for face in faces:
            reveals = sorted(
                [*revealed, *(all_.lie(liar, face, LATE_SALT, seen) for liar in all_.liars)], key=lambda one: one.signer
            )
            if all_.addresses[all_.liars[0]] in all_.counting(reveals):
                agreed = aggregate(tuple(reveals), all_.voters, MARKET, start_s=NOW_NS // SECOND_NS, commit_seconds=4)
                signals.add(agreed.signal)
        assert len(signals) <= 1
