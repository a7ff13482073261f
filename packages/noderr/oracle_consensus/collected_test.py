"""What a round collects of one kind."""

from __future__ import annotations

import copy

import pytest

from noderr.core.consensus.context import RoundContext
from noderr.core.consensus.testing import DOMAIN
from noderr.oracle_consensus.collected import Collected
from noderr.oracle_consensus.messages import Commit
from noderr.oracle_consensus.testing import ADDRESSES, KEYS, OUTSIDER, VOTERS, commit, observation
from noderr.types.consensus import AccountSignatures, Evidence, Reason, RefusedMessage, Signed, VoterSet, sign


def collected(voters: VoterSet = VOTERS) -> Collected[Commit]:
    return Collected(RoundContext(ADDRESSES[0], voters, DOMAIN, AccountSignatures()))


def refusal(into: Collected[Commit], signed: Signed[Commit]) -> Reason:
    with pytest.raises(RefusedMessage) as caught:
        into.add(signed)
    return caught.value.reason


def test_messages_come_in_any_order_and_are_told_by_voter() -> None:
    into = collected()
    for one in (2, 0, 3, 1):
        assert into.add(commit(one)) is None
    assert list(into) == [commit(one) for one in range(4)]
    assert into.is_complete
    assert into.missing == ()


def test_three_of_four_are_a_quorum_and_not_all() -> None:
    into = collected()
    for one in (0, 2):
        into.add(commit(one))
    assert (into.is_quorum, into.is_complete) == (False, False)
    into.add(commit(3))
    assert (into.is_quorum, into.is_complete) == (True, False)
    assert into.missing == (ADDRESSES[1],)
    assert len(into) == 3


def test_weight_makes_a_quorum_and_not_number() -> None:
    into = collected(VoterSet(3, 9, dict(zip(ADDRESSES, (1, 1, 1, 7), strict=True))))
    for one in (0, 1, 2):
        into.add(commit(one))
    assert (into.is_quorum, into.is_complete) == (False, False)
    into.add(commit(3))
    assert (into.is_quorum, into.is_complete) == (True, True)


def test_the_first_counts_the_same_is_nothing_new_and_another_is_evidence() -> None:
    into, other = collected(), commit(1, observation(1, prediction_e8=7))
    into.add(commit(1))
    assert refusal(into, commit(1)) is Reason.DUPLICATE
    assert into.add(other) == Evidence(commit(1), other)
    assert into.get(ADDRESSES[1]) == commit(1)
    assert into.get(ADDRESSES[2]) is None
    assert len(into) == 1


def test_who_was_found_out_is_found_out_once() -> None:
    into = collected()
    into.add(commit(1))
    into.add(commit(1, observation(1, prediction_e8=7)))
    assert refusal(into, commit(1, observation(1, prediction_e8=7))) is Reason.EQUIVOCATION
    assert refusal(into, commit(1, observation(1, prediction_e8=8))) is Reason.EQUIVOCATION
    assert refusal(into, commit(1)) is Reason.DUPLICATE


def test_another_that_is_forged_is_no_evidence() -> None:
    into = collected()
    into.add(commit(1))
    forged = copy.replace(commit(1, observation(1, prediction_e8=7)), signature=commit(1).signature)
    assert refusal(into, forged) is Reason.BAD_SIGNATURE


def test_outsiders_and_forgeries_do_not_count() -> None:
    into = collected()
    assert refusal(into, sign(commit(1).message, OUTSIDER, DOMAIN)) is Reason.NOT_A_MEMBER
    assert refusal(into, copy.replace(commit(1), signer=KEYS[2].address)) is Reason.BAD_SIGNATURE
    assert list(into) == []
