"""One round of votes, move by move."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from noderr.core.consensus.actions import Accuse, Action, Broadcast, Decided, Failed, Failure, Send, Sign
from noderr.core.consensus.context import RoundContext
from noderr.core.consensus.status import Status
from noderr.core.consensus.testing import DOMAIN, NOW_NS, NOW_S, SECOND_NS, CountingSignatures, keys, vote, voter_set
from noderr.core.consensus.vote_round import VoteRound
from noderr.types.consensus import (
    AccountSignatures,
    Choice,
    Reason,
    RefusedMessage,
    Signed,
    Vote,
    make_certificate,
    sign,
    verify_certificate,
)
from noderr.types.signing.account_key import AccountKey

KEYS = keys(4)
VOTERS = voter_set(KEYS)


def a_round(me: int = 0, signatures: AccountSignatures | None = None) -> VoteRound:
    return VoteRound(
        RoundContext(KEYS[me].address, VOTERS, DOMAIN, signatures or AccountSignatures()),
        round_=5,
        topic=b"\1" * 32,
        deadline_ns=NOW_NS + 10 * SECOND_NS,
        resend_ns=SECOND_NS,
    )


def signed(voter: int, **changes: Any) -> Signed[Vote]:
    return sign(vote(**changes), KEYS[voter], DOMAIN)


def cast(machine: VoteRound, voter: int = 0, **changes: Any) -> list[Action]:
    assert machine.vote(vote(**changes)) == [Sign(vote(**changes))]
    return machine.on_signed(signed(voter, **changes), NOW_NS)


def test_three_of_four_decide_and_prove_it() -> None:
    machine = a_round()
    assert cast(machine) == [Broadcast(signed(0))]
    assert machine.on_message(signed(1), NOW_NS) == []
    [decided] = machine.on_message(signed(2), NOW_NS)
    assert isinstance(decided, Decided)
    verify_certificate(decided.certificate, VOTERS, DOMAIN, now_s=NOW_S)
    assert machine.status is Status.DECIDED


def test_whose_vote_is_still_missing_after_a_while_is_told_how_it_ended() -> None:
    machine = a_round()
    cast(machine)
    machine.on_message(signed(1), NOW_NS)
    [decided] = machine.on_message(signed(2), NOW_NS)
    assert isinstance(decided, Decided)
    assert machine.next_time_ns == NOW_NS + SECOND_NS
    assert machine.on_time(NOW_NS + SECOND_NS - 1) == []
    assert machine.on_time(NOW_NS + SECOND_NS) == [Send(KEYS[3].address, decided.certificate)]
    assert machine.on_time(NOW_NS + 2 * SECOND_NS) == [], "once"


def test_when_all_have_voted_there_is_nobody_to_tell() -> None:
    machine = a_round()
    cast(machine)
    for voter in (1, 2, 3):
        machine.on_message(signed(voter), NOW_NS)
    assert machine.next_time_ns is None


def test_a_voter_votes_once() -> None:
    machine = a_round()
    cast(machine)
    assert machine.vote(vote(choice=Choice.REJECT)) == []


def test_a_rejection_is_decided_too() -> None:
    machine = a_round()
    cast(machine, choice=Choice.REJECT, codes=1)
    machine.on_message(signed(1, choice=Choice.REJECT, codes=2), NOW_NS)
    *_, decided = machine.on_message(signed(2, choice=Choice.REJECT, codes=4), NOW_NS)
    assert isinstance(decided, Decided)
    assert decided.certificate.choice is Choice.REJECT
    verify_certificate(decided.certificate, VOTERS, DOMAIN, now_s=NOW_S)


def test_a_tie_means_no_at_once() -> None:
    machine = a_round()
    cast(machine)
    assert machine.on_message(signed(1, choice=Choice.REJECT), NOW_NS) == []
    assert machine.on_message(signed(2, choice=Choice.REJECT), NOW_NS) == []
    assert machine.on_message(signed(3), NOW_NS) == [Failed(Failure.NO_MAJORITY)]
    assert machine.status is Status.FAILED


def test_who_sees_no_majority_asks_on_because_a_two_faced_voter_may_have_made_one() -> None:
    machine = a_round()
    cast(machine)
    for voter, choice in ((1, Choice.REJECT), (2, Choice.REJECT), (3, Choice.APPROVE)):
        machine.on_message(signed(voter, choice=choice), NOW_NS)
    assert machine.status is Status.FAILED
    assert machine.next_time_ns == NOW_NS + SECOND_NS
    assert machine.on_time(NOW_NS + SECOND_NS) == [Broadcast(signed(0))]
    certificate = make_certificate([signed(0), signed(2), signed(3)])
    assert machine.on_certificate(certificate, NOW_NS + SECOND_NS) == [Decided(certificate)]
    assert machine.next_time_ns is None


def test_who_sees_no_majority_asks_until_the_deadline_and_fails_once() -> None:
    machine = a_round()
    cast(machine)
    for voter, choice in ((1, Choice.REJECT), (2, Choice.REJECT), (3, Choice.APPROVE)):
        machine.on_message(signed(voter, choice=choice), NOW_NS)
    assert machine.on_time(machine.deadline_ns) == []
    assert machine.next_time_ns is None
    assert machine.on_time(machine.deadline_ns + SECOND_NS) == []


def test_abstentions_of_a_quorum_decide_nothing() -> None:
    machine = a_round()
    cast(machine, choice=Choice.ABSTAIN)
    assert machine.on_message(signed(1, choice=Choice.ABSTAIN), NOW_NS) == [Failed(Failure.NO_MAJORITY)]
    assert machine.on_message(signed(2, choice=Choice.ABSTAIN), NOW_NS) == []
    assert machine.certificate is None


def test_silence_means_no() -> None:
    machine = a_round()
    cast(machine)
    machine.on_message(signed(1), NOW_NS)
    assert machine.on_time(machine.deadline_ns - 1) == [Broadcast(signed(0))]
    assert machine.on_time(machine.deadline_ns) == [Failed(Failure.TIMEOUT)]
    assert machine.next_time_ns is None


def test_a_vote_is_sent_again_until_the_end() -> None:
    machine = a_round()
    assert machine.next_time_ns == machine.deadline_ns
    cast(machine)
    assert machine.next_time_ns == NOW_NS + SECOND_NS
    assert machine.on_time(NOW_NS + SECOND_NS - 1) == []
    assert machine.on_time(NOW_NS + SECOND_NS) == [Broadcast(signed(0))]
    assert machine.next_time_ns == NOW_NS + 2 * SECOND_NS


def test_who_votes_again_after_the_decision_is_told() -> None:
    machine = a_round()
    cast(machine)
    machine.on_message(signed(1), NOW_NS)
    machine.on_message(signed(2), NOW_NS)
    assert machine.on_message(signed(3), NOW_NS) == [], "a vote that was late, not lost"
    assert machine.certificate is not None
    assert machine.on_message(signed(3), NOW_NS) == [Send(KEYS[3].address, machine.certificate)]


def test_who_votes_again_and_again_is_told_once_in_a_while() -> None:
    # Anybody can copy a vote, with whatever signature: the answers would be a flood of their own.
    machine = a_round()
    for voter in (1, 2, 3):
        machine.on_message(signed(voter), NOW_NS)
    assert machine.certificate is not None
    for asked_ns, is_told in ((0, True), (1, False), (SECOND_NS - 1, False), (SECOND_NS, True), (SECOND_NS + 1, False)):
        for voter in (1, 2):
            copied = copy.replace(signed(voter), signature=b"\1" * 65)
            if is_told:
                assert machine.on_message(copied, NOW_NS + asked_ns) == [Send(KEYS[voter].address, machine.certificate)]
                continue
            with pytest.raises(RefusedMessage) as caught:
                machine.on_message(copied, NOW_NS + asked_ns)
            assert caught.value.reason is Reason.DUPLICATE


def test_a_certificate_ends_the_round_even_after_the_deadline() -> None:
    machine = a_round()
    machine.on_time(machine.deadline_ns)
    certificate = make_certificate([signed(1), signed(2), signed(3)])
    assert machine.on_certificate(certificate, machine.deadline_ns) == [Decided(certificate)]
    with pytest.raises(RefusedMessage) as caught:
        machine.on_certificate(certificate, machine.deadline_ns)
    assert caught.value.reason is Reason.DUPLICATE


def test_a_certificate_of_two_is_refused() -> None:
    machine = a_round()
    with pytest.raises(RefusedMessage) as caught:
        machine.on_certificate(make_certificate([signed(1), signed(2)]), NOW_NS)
    assert caught.value.reason is Reason.NO_QUORUM
    assert machine.status is Status.OPEN


def test_a_certificate_of_abstentions_decides_nothing_as_the_abstentions_do() -> None:
    machine = a_round()
    abstentions = [signed(voter, choice=Choice.ABSTAIN) for voter in range(4)]
    with pytest.raises(RefusedMessage) as caught:
        machine.on_certificate(make_certificate(abstentions), NOW_NS)
    assert caught.value.reason is Reason.UNPROVEN
    assert machine.status is Status.OPEN
    assert machine.certificate is None


def test_a_certificate_without_a_quorum_has_no_signature_looked_at() -> None:
    # One bundle has room for hundreds of them, of hundreds of true votes each.
    signatures = CountingSignatures()
    machine = a_round(signatures=signatures)
    certificate = make_certificate([signed(1), signed(2)])
    for light in (certificate, copy.replace(certificate, signatures=certificate.signatures * 4)):
        with pytest.raises(RefusedMessage) as caught:
            machine.on_certificate(light, NOW_NS)
        assert caught.value.reason is Reason.NO_QUORUM
    assert signatures.asked == 0
    machine.on_certificate(make_certificate([signed(1), signed(2), signed(3)]), NOW_NS)
    assert signatures.asked == 3


@pytest.mark.parametrize("elsewhere", [{"epoch": 8}, {"tier": 2}])
def test_a_certificate_of_other_voters_is_not_weighed_by_ours(elsewhere: dict[str, Any]) -> None:
    with pytest.raises(RefusedMessage) as caught:
        a_round().on_certificate(make_certificate([signed(1, **elsewhere)]), NOW_NS)
    assert caught.value.reason is Reason.WRONG_EPOCH


def test_two_votes_of_one_voter_are_evidence_and_count_once() -> None:
    machine = a_round()
    machine.on_message(signed(1), NOW_NS)
    [accusation] = machine.on_message(signed(1, choice=Choice.REJECT), NOW_NS)
    assert isinstance(accusation, Accuse)
    assert accusation.evidence.offender == KEYS[1].address
    assert machine.tally.missing == tuple(key.address for n, key in enumerate(KEYS) if n != 1)
    for changes in ({"choice": Choice.REJECT}, {"codes": 7}):
        with pytest.raises(RefusedMessage) as caught:
            machine.on_message(signed(1, **changes), NOW_NS)
        assert caught.value.reason is Reason.EQUIVOCATION, "accused once"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"epoch": 8}, Reason.WRONG_EPOCH),
        ({"tier": 2}, Reason.WRONG_EPOCH),
        ({"round": 4}, Reason.WRONG_SUBJECT),
        ({"topic": b"\4" * 32}, Reason.WRONG_SUBJECT),
        ({"expires_at_s": NOW_S - 1}, Reason.EXPIRED),
    ],
)
def test_what_does_not_belong_here_is_refused(changes: dict[str, Any], reason: Reason) -> None:
    with pytest.raises(RefusedMessage) as caught:
        a_round().on_message(signed(1, **changes), NOW_NS)
    assert caught.value.reason is reason


def test_forged_foreign_and_repeated_votes_are_refused() -> None:
    machine = a_round()
    machine.on_message(signed(1), NOW_NS)
    outsider = sign(vote(), AccountKey(b"\x77" * 32), DOMAIN)
    elsewhere = sign(vote(), KEYS[2], copy.replace(DOMAIN, chain_id=1))
    forged = copy.replace(signed(2), signer=KEYS[3].address)
    for message, reason in (
        (signed(1), Reason.DUPLICATE),
        (outsider, Reason.NOT_A_MEMBER),
        (elsewhere, Reason.BAD_SIGNATURE),
        (forged, Reason.BAD_SIGNATURE),
    ):
        with pytest.raises(RefusedMessage) as caught:
            machine.on_message(message, NOW_NS)
        assert caught.value.reason is reason
    assert len(machine.tally.votes) == 1
