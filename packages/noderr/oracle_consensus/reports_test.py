"""Leaders' reports: what deserves a vote, and every other one refused for its own reason."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from noderr.core.consensus.context import RoundContext
from noderr.core.consensus.evidence_on_wire import evidence_to_bytes
from noderr.core.consensus.testing import DOMAIN, NOW_NS
from noderr.oracle_consensus.messages import Report, Reveal
from noderr.oracle_consensus.oracle_round import OracleRound
from noderr.oracle_consensus.parts import oracle_codec
from noderr.oracle_consensus.reports import Reports
from noderr.oracle_consensus.rounds import MAX_ORACLES
from noderr.oracle_consensus.testing import (
    KEYS,
    OUTSIDER,
    PLACE,
    VOTERS,
    agreed,
    leader,
    oracle_round,
    report,
    reveal,
)
from noderr.types.consensus import (
    AccountSignatures,
    Evidence,
    Reason,
    RefusedMessage,
    Signed,
    sign,
    verify_evidence,
)

ALL = [reveal(one) for one in range(4)]


class Counting(AccountSignatures):
    """Knows how many signatures it was asked about."""

    asked = 0

    def recover(self, digest: bytes, signature: bytes) -> bytes:
        self.asked += 1
        return super().recover(digest, signature)


def reports(known: tuple[Signed[Reveal], ...] = (), signatures: AccountSignatures | None = None) -> Reports:
    context = RoundContext(KEYS[0].address, VOTERS, DOMAIN, signatures or AccountSignatures())
    by_oracle = {one.signer: one for one in known}
    return Reports(context, agreed, by_oracle.get)


def refusal(signed: Signed[Report], known: tuple[Signed[Reveal], ...] = ()) -> Reason:
    with pytest.raises(RefusedMessage) as caught:
        reports(known).add(signed)
    return caught.value.reason


def test_a_report_explains_its_subject() -> None:
    told = reports()
    assert told.add(report()) is None
    assert told.explains(report().message.subject) == (report(), agreed(ALL))
    assert told.explains(b"\1" * 32) is None


def test_three_of_four_are_enough() -> None:
    assert reports().add(report(0, ALL[1:])) is None


def test_the_earliest_view_comes_first() -> None:
    told = reports()
    for view in (2, 0, 1):
        told.add(report(view))
    assert [one.message.view for one in told] == [0, 1, 2]


def test_the_same_subject_in_two_views_is_explained_by_the_first_that_came() -> None:
    told = reports()
    told.add(report(1))
    told.add(report(0))
    explained = told.explains(report().message.subject)
    assert explained is not None
    assert explained[0].message.view == 1


def test_a_report_before_its_reveals_is_whole() -> None:
    counting = Counting()
    reports((), counting).add(report())
    assert counting.asked == 5, "the report's and each reveal's"
    counting = Counting()
    reports(tuple(ALL), counting).add(report())
    assert counting.asked == 1, "what is known was checked when it came"


def other_place(**changes: Any) -> Signed[Report]:
    return report(0, [*ALL[:3], reveal(3, **changes)])


OUTSIDE = sign(reveal(3).message, OUTSIDER, DOMAIN)
FORGED = copy.replace(ALL[3], signature=ALL[2].signature)
WITH_OUTSIDER = sorted([*ALL, OUTSIDE], key=lambda one: one.signer)
SUBJECT = report().message.subject


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        pytest.param(report(subject=b"\1" * 32), Reason.UNPROVEN, id="subject that follows from nothing"),
        pytest.param(report(subject=agreed(ALL[:3]).digest), Reason.UNPROVEN, id="subject of other reveals"),
        pytest.param(report(0, ALL[:2], subject=SUBJECT), Reason.NO_QUORUM, id="reveals of two"),
        pytest.param(report(0, [], subject=SUBJECT), Reason.NO_QUORUM, id="no reveals"),
        pytest.param(report(0, WITH_OUTSIDER, subject=SUBJECT), Reason.NOT_A_MEMBER, id="reveal of an outsider"),
        pytest.param(report(0, [*ALL[:3], FORGED]), Reason.BAD_SIGNATURE, id="forged reveal"),
        pytest.param(other_place(round=4), Reason.WRONG_SUBJECT, id="reveal of another round"),
        pytest.param(other_place(epoch=8), Reason.WRONG_SUBJECT, id="reveal of another epoch"),
        pytest.param(other_place(topic=b"\4" * 32), Reason.WRONG_SUBJECT, id="reveal of another market"),
        pytest.param(copy.replace(report(), signature=b"\0" * 65), Reason.BAD_SIGNATURE, id="unsigned"),
        pytest.param(
            copy.replace(report(), signature=report(1).signature), Reason.BAD_SIGNATURE, id="others' signature"
        ),
    ],
)
@pytest.mark.parametrize("known", [(), tuple(ALL)], ids=["nothing known", "all known"])
def test_what_proves_nothing_is_refused(bad: Signed[Report], reason: Reason, known: tuple[Signed[Reveal], ...]) -> None:
    assert refusal(bad, known) is reason


def test_a_refused_report_explains_nothing() -> None:
    told = reports()
    bad = report(subject=b"\1" * 32)
    with pytest.raises(RefusedMessage):
        told.add(bad)
    assert told.explains(bad.message.subject) is None
    assert list(told) == []
    assert told.add(report()) is None


def test_a_report_is_taken_once_and_another_is_evidence() -> None:
    told = reports()
    told.add(report())
    with pytest.raises(RefusedMessage) as caught:
        told.add(report())
    assert caught.value.reason is Reason.DUPLICATE
    other = report(0, ALL[:3])
    assert told.add(other) == Evidence(report(), other)
    assert told.explains(other.message.subject) is None, "the first is the one that counts"


def test_a_leader_that_was_found_out_costs_nothing_more() -> None:
    counting = Counting()
    told = reports(tuple(ALL), counting)
    told.add(report())
    told.add(report(0, ALL[:3]))
    asked = counting.asked
    for another in (report(0, ALL[:3]), report(0, ALL[1:])):
        with pytest.raises(RefusedMessage) as caught:
            told.add(another)
        assert caught.value.reason is Reason.EQUIVOCATION
    assert counting.asked == asked
    assert told.add(report(1)) is None, "another leader"


def test_another_report_is_kept_if_it_explains_what_was_decided() -> None:
    told, other = reports(), report(0, ALL[:3])
    told.add(report())
    assert told.add(other, b"\1" * 32) == Evidence(report(), other)
    assert told.explains(other.message.subject) is None, "or a leader could fill the memory"
    assert told.add(other, other.message.subject) == Evidence(report(), other)
    assert told.explains(other.message.subject) == (other, agreed(ALL[:3]))
    assert list(told) == [report()], "nobody votes for it"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        pytest.param(report(0, by=KEYS[leader(1)]), Reason.WRONG_LEADER, id="of who leads later"),
        pytest.param(report(0, by=OUTSIDER), Reason.WRONG_LEADER, id="of an outsider"),
        pytest.param(report(3, by=KEYS[leader(3)]), Reason.WRONG_LEADER, id="of a view that does not come"),
        pytest.param(report(round=4), Reason.WRONG_SUBJECT, id="of another round"),
        pytest.param(report(topic=b"\4" * 32), Reason.WRONG_SUBJECT, id="of another market"),
        pytest.param(report(epoch=8), Reason.WRONG_EPOCH, id="of another epoch"),
    ],
)
def test_the_round_takes_reports_of_its_leaders_only(bad: Signed[Report], reason: Reason) -> None:
    machine: OracleRound = oracle_round()
    with pytest.raises(RefusedMessage) as caught:
        machine.on_message(bad, NOW_NS)
    assert caught.value.reason is reason


def test_a_leader_of_two_views_may_report_in_each_and_twice_in_none() -> None:
    def accused(first: Signed[Report], second: Signed[Report]) -> bool:
        try:
            verify_evidence(Evidence(first, second), DOMAIN, AccountSignatures())
        except RefusedMessage:
            return False
        return True

    some = report(0, ALL[1:])
    later = report(4, ALL, by=KEYS[leader(0)])
    assert some.signer == later.signer
    assert not accused(some, later)
    assert accused(some, report(0))


def _naming(count: int) -> Signed[Reveal]:
    return reveal(1, seen=tuple(sorted(number.to_bytes(32) for number in range(count))))


def test_a_reveal_names_no_more_commitments_than_there_are_oracles() -> None:
    with pytest.raises(RefusedMessage) as caught:
        oracle_round().on_message(_naming(5), NOW_NS)
    assert caught.value.reason is Reason.OVERSIZED
    told = [reveal(0), _naming(5), *map(reveal, (2, 3))]
    told.sort(key=lambda one: one.signer)
    assert refusal(report(0, told)) is Reason.OVERSIZED
    assert oracle_round().on_message(_naming(4), NOW_NS) == []


@pytest.mark.parametrize("count", [15, MAX_ORACLES])
def test_two_reports_of_a_leader_fit_as_evidence(count: int) -> None:
    seen = tuple(sorted(number.to_bytes(32) for number in range(count)))
    one = reveal(1, seen=seen).message
    # Signatures of a batch of 256 have eight nodes of proof.
    reveals = tuple(Signed(one, number.to_bytes(20), bytes(65 + 8 * 32)) for number in range(count))
    two = [
        sign(Report(**PLACE, view=0, subject=bytes([number]) * 32, reveals=reveals), KEYS[0], DOMAIN)
        for number in (1, 2)
    ]
    assert evidence_to_bytes(Evidence(*two), oracle_codec(DOMAIN))
