"""One round of the oracles, move by move: when all goes well, when time runs out, and when a leader is silent."""

from __future__ import annotations

from noderr.core.consensus.actions import Action, Broadcast, Decided, Failed, Failure, Sign
from noderr.core.consensus.status import Status
from noderr.core.consensus.testing import DOMAIN, NOW_NS, NOW_S, SECOND_NS
from noderr.oracle_consensus.market import Timing
from noderr.oracle_consensus.oracle_round import OracleRound, Phase
from noderr.oracle_consensus.testing import (
    KEYS,
    TIMING,
    VOTERS,
    agreed,
    begun,
    commit,
    commitments,
    do,
    hear,
    leader,
    observation,
    oracle_round,
    report,
    reveal,
    revealed,
    salt,
    vote_for,
)
from noderr.types.consensus import sign, verify_certificate

COMMIT_END_NS = NOW_NS + TIMING.commit_ns
END_NS = NOW_NS + TIMING.round_ns
NEXT_VIEW_NS = NOW_NS + TIMING.view_ns


def times_out(machine: OracleRound, now_ns: int, me: int = 0) -> list[Action]:
    """What follows from the clock alone, without what is said again."""
    repeated = [Broadcast(said) for said in machine._said]
    return [action for action in do(machine, machine.on_time(now_ns), KEYS[me], now_ns) if action not in repeated]


def test_a_round_in_which_all_goes_well() -> None:
    machine = begun()
    assert hear(machine, [commit(1), commit(2)]) == []
    assert hear(machine, [commit(3)]) == [Broadcast(reveal(0))], "all have committed themselves: nobody waits"
    assert hear(machine, [reveal(1), reveal(2), reveal(3)]) == []
    assert machine.phase is Phase.REPORT
    told = report()
    assert hear(machine, [told]) == [Broadcast(vote_for(0, told))]
    assert hear(machine, [vote_for(1, told)]) == []
    *_, end = hear(machine, [vote_for(2, told)])
    assert isinstance(end, Decided)
    assert end.content == machine.agreed == agreed([reveal(one) for one in range(4)])
    assert machine.agreed is not None
    assert end.certificate.subject == machine.agreed.digest
    verify_certificate(end.certificate, VOTERS, DOMAIN, now_s=NOW_S)
    assert (machine.status, machine.phase) == (Status.DECIDED, Phase.OVER)
    assert machine.next_time_ns == NOW_NS + TIMING.resend_ns, "then it tells whose vote is missing"
    assert hear(machine, [vote_for(3, told)]) == []
    assert machine.next_time_ns is None


def test_the_leader_reports_as_soon_as_all_have_revealed() -> None:
    me = leader(0)
    machine = begun(me)
    others = [one for one in range(4) if one != me]
    assert hear(machine, map(commit, others), me) == [Broadcast(reveal(me))]
    assert hear(machine, map(reveal, others), me) == [Broadcast(report()), Broadcast(vote_for(me, report()))]


def test_who_observes_again_is_held_to_the_first() -> None:
    machine = begun()
    assert machine.observe(observation(0, prediction_e8=1), salt(0)) == []


def test_a_reveal_that_is_early_is_kept() -> None:
    machine = begun()
    hear(machine, [commit(1), commit(2), reveal(1), reveal(2), reveal(3), commit(3)])
    assert machine.phase is Phase.REPORT


def test_without_the_fourth_the_commitments_end_with_their_time() -> None:
    machine = begun()
    hear(machine, [commit(1), commit(2)])
    assert times_out(machine, COMMIT_END_NS - 1) == []
    assert machine.next_time_ns == COMMIT_END_NS
    before = reveal(0, seen=commitments([0, 1, 2]))
    assert do(machine, machine.on_time(COMMIT_END_NS), KEYS[0])[0] == Broadcast(before)
    assert machine.phase is Phase.REVEAL


def test_an_own_commitment_that_is_on_the_disk_too_late_is_sent_all_the_same() -> None:
    machine = oracle_round()
    [asked] = machine.observe(observation(0), salt(0))
    assert isinstance(asked, Sign)
    hear(machine, [commit(1), commit(2), commit(3)])
    do(machine, machine.on_time(COMMIT_END_NS), KEYS[0], COMMIT_END_NS)
    assert machine.phase is Phase.REVEAL
    late = sign(asked.message, KEYS[0], DOMAIN)
    assert machine.on_signed(late, COMMIT_END_NS + 1) == [Broadcast(late)], "others may still be waiting for it"
    assert KEYS[0].address in machine.commits.missing


def test_without_the_fourth_the_reveals_end_with_their_time() -> None:
    me = leader(0)
    machine = begun(me)
    hear(machine, map(commit, (one for one in range(4) if one != me)), me)
    hear(machine, [reveal(0), reveal(2)], me)
    assert times_out(machine, NOW_NS + TIMING.reveal_ns - 1, me) == []
    assert machine.phase is Phase.REVEAL
    told = report(0, [reveal(0), reveal(1), reveal(2)])
    sent = do(machine, machine.on_time(NOW_NS + TIMING.reveal_ns), KEYS[me])
    assert sent[:2] == [Broadcast(told), Broadcast(vote_for(me, told))]


def test_without_a_quorum_time_alone_ends_no_phase() -> None:
    machine = begun()
    hear(machine, [commit(1)])
    assert times_out(machine, COMMIT_END_NS + SECOND_NS) == []
    assert machine.next_time_ns == COMMIT_END_NS + SECOND_NS + TIMING.resend_ns
    late_ns = COMMIT_END_NS + 2 * SECOND_NS
    assert hear(machine, [commit(2)], now_ns=late_ns) == [Broadcast(reveal(0, seen=commitments([0, 1, 2])))]
    hear(machine, [reveal(1)], now_ns=late_ns)
    assert times_out(machine, late_ns + TIMING.reveal_ns + SECOND_NS) == []
    assert machine.phase is Phase.REVEAL


def test_an_undecided_round_fails_at_its_deadline() -> None:
    machine = begun()
    assert machine.deadline_ns == END_NS
    assert times_out(machine, END_NS - 1) == []
    assert machine.on_time(END_NS) == [Failed(Failure.TIMEOUT)]
    assert machine.status is Status.FAILED
    assert machine.next_time_ns is None
    assert machine.on_time(END_NS + SECOND_NS) == []


def test_votes_that_are_split_fail_at_once() -> None:
    machine = revealed()
    told, other = report(), report(0, [reveal(0), reveal(1), reveal(2)])
    assert hear(machine, [told, vote_for(1, other), vote_for(2, other)]) == [Broadcast(vote_for(0, told))]
    assert hear(machine, [vote_for(3, told)]) == [Failed(Failure.NO_MAJORITY)]


def test_a_silent_leader_is_followed_by_the_next() -> None:
    me = leader(1)
    machine = revealed(me)
    assert times_out(machine, NEXT_VIEW_NS - 1, me) == []
    told = report(1)
    assert times_out(machine, NEXT_VIEW_NS, me) == [Broadcast(told), Broadcast(vote_for(me, told))]
    assert machine.view == 1


def test_the_last_view_lasts_to_the_end() -> None:
    machine = revealed()
    machine.on_time(NOW_NS + 2 * TIMING.view_ns)
    assert machine.view == 2 == TIMING.views - 1
    machine.on_time(END_NS - 1)
    assert machine.view == 2


def test_a_clock_that_jumps_enters_every_view_on_its_way() -> None:
    machine = revealed(leader(1))
    told = report(1)
    sent = times_out(machine, NOW_NS + 2 * TIMING.view_ns, leader(1))
    assert sent == [Broadcast(told), Broadcast(vote_for(leader(1), told))]
    assert machine.view == 2


def test_a_report_ahead_of_my_clock_gets_my_vote_when_its_view_begins() -> None:
    machine = revealed()
    told = report(1)
    assert hear(machine, [told]) == []
    assert times_out(machine, NEXT_VIEW_NS) == [Broadcast(vote_for(0, told))]


def test_a_report_that_is_late_may_still_have_my_vote() -> None:
    machine = revealed()
    machine.on_time(NEXT_VIEW_NS)
    assert machine.view == 1
    assert hear(machine, [report(0)], now_ns=NEXT_VIEW_NS) == [Broadcast(vote_for(0, report(0)))]


def test_who_has_voted_votes_for_no_other_report() -> None:
    machine = revealed()
    hear(machine, [report(0)])
    machine.on_time(NEXT_VIEW_NS)
    assert hear(machine, [report(1, [reveal(0), reveal(1), reveal(2)])], now_ns=NEXT_VIEW_NS) == []


def test_a_leader_proposes_again_what_it_voted_for() -> None:
    me = leader(1)
    machine = begun(me)
    hear(machine, map(commit, (one for one in range(4) if one != me)), me)
    first = report(0, [reveal(0), reveal(1), reveal(2)])
    assert hear(machine, [first], me) == [Broadcast(vote_for(me, first))]
    hear(machine, [reveal(3)], me)
    again = report(1, [reveal(0), reveal(1), reveal(2)])
    assert again.message.subject == first.message.subject
    assert times_out(machine, NEXT_VIEW_NS, me) == [Broadcast(again)], "and not the four reveals that it has by now"


def test_other_times_are_kept_as_well() -> None:
    short = Timing(commit_ns=SECOND_NS, reveal_ns=SECOND_NS, view_ns=2 * SECOND_NS, views=1)
    machine = begun(timing=short)
    hear(machine, [commit(1), commit(2)])
    machine.on_time(NOW_NS + SECOND_NS)
    assert machine.phase is Phase.REVEAL
    assert machine.deadline_ns == NOW_NS + 4 * SECOND_NS
