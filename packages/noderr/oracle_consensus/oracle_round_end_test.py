"""How a round of the oracles ends: what is said again, who is told, what is agreed, and who restarts in the middle."""

from __future__ import annotations

from typing import Any

import pytest

from noderr.core.consensus.actions import Accuse, Broadcast, Decided, Send, Sign
from noderr.core.consensus.errors import DoubleSignError
from noderr.core.consensus.guard import Guard, GuardedKey
from noderr.core.consensus.status import Status
from noderr.core.consensus.testing import DOMAIN, NOW_NS, SECOND_NS, ForgetfulDisk
from noderr.oracle_consensus.messages import ABSTENTION
from noderr.oracle_consensus.testing import (
    ADDRESSES,
    KEYS,
    MARKET,
    OUTSIDER,
    TIMING,
    agreed,
    begun,
    commit,
    decided,
    hear,
    observation,
    oracle_round,
    report,
    reveal,
    revealed,
    salt,
    vote_for,
)
from noderr.types.consensus import RefusedMessage, Signed, make_certificate
from noderr.types.trading import Direction

END_NS = NOW_NS + TIMING.round_ns


def test_what_i_said_is_said_again_until_the_end() -> None:
    machine = begun()
    assert machine.next_time_ns == NOW_NS + TIMING.resend_ns
    assert machine.on_time(NOW_NS + TIMING.resend_ns - 1) == []
    assert machine.on_time(NOW_NS + TIMING.resend_ns) == [Broadcast(commit(0))]
    hear(machine, [commit(1), commit(2), commit(3)], now_ns=NOW_NS + SECOND_NS)
    assert machine.on_time(NOW_NS + SECOND_NS + TIMING.resend_ns) == [Broadcast(commit(0)), Broadcast(reveal(0))]


def test_a_certificate_without_the_report_waits_for_it() -> None:
    machine = revealed()
    told = report()
    certificate = make_certificate([vote_for(one, told) for one in (1, 2, 3)])
    assert hear(machine, []) == machine.on_certificate(certificate, NOW_NS) == []
    assert machine.status is Status.DECIDED
    assert machine.on_time(NOW_NS + TIMING.resend_ns) == [Broadcast(commit(0)), Broadcast(reveal(0))], "it asks so"
    end = hear(machine, [told])
    assert end == [Decided(certificate, machine.agreed)]
    assert machine.agreed is not None


def test_a_two_faced_leaders_other_report_explains_what_was_decided() -> None:
    machine = revealed()
    mine, theirs = report(), report(0, [reveal(0), reveal(1), reveal(2)])
    hear(machine, [mine])
    certificate = make_certificate([vote_for(one, theirs) for one in (1, 2, 3)])
    assert machine.on_certificate(certificate, NOW_NS) == []
    accusation, end = hear(machine, [theirs])
    assert isinstance(accusation, Accuse)
    assert end == Decided(certificate, agreed([reveal(0), reveal(1), reveal(2)]))
    assert machine.next_time_ns is None


def test_who_sees_no_majority_asks_on_until_the_end() -> None:
    machine = revealed()
    told, other = report(), report(0, [reveal(0), reveal(1), reveal(2)])
    hear(machine, [told, vote_for(1, other), vote_for(2, other), vote_for(3, told)])
    said = [Broadcast(commit(0)), Broadcast(reveal(0)), Broadcast(vote_for(0, told))]
    assert machine.on_time(NOW_NS + TIMING.resend_ns) == said
    assert machine.on_time(END_NS - 1) == said
    assert machine.next_time_ns == END_NS
    assert machine.on_time(END_NS) == []
    assert machine.next_time_ns is None


def test_a_certificate_after_the_deadline_is_the_truth() -> None:
    machine = revealed()
    hear(machine, [report()])
    machine.on_time(END_NS)
    certificate = make_certificate([vote_for(one, report()) for one in (1, 2, 3)])
    assert machine.on_certificate(certificate, END_NS) == [Decided(certificate, machine.agreed)]


@pytest.mark.parametrize("late", [commit(3), reveal(3)])
def test_a_laggard_is_told_how_it_ended_once_in_a_while(late: Signed[Any]) -> None:
    machine = decided()
    assert machine.certificate is not None
    told = [Send(ADDRESSES[3], machine.certificate), Send(ADDRESSES[3], report())]
    assert machine.on_message(late, NOW_NS) == told
    assert machine.on_message(late, NOW_NS + TIMING.resend_ns - 1) == []
    assert machine.on_message(late, NOW_NS + TIMING.resend_ns) == told


def test_who_votes_again_is_told_no_more_often() -> None:
    machine = decided()
    hear(machine, [vote_for(3, report())])
    assert [type(action) for action in hear(machine, [vote_for(3, report())])] == [Send, Send]
    for _ in range(2):
        with pytest.raises(RefusedMessage, match="counted already"):
            hear(machine, [vote_for(3, report())])
    assert hear(machine, [commit(3), reveal(3)]) == []


def test_my_own_message_that_comes_back_is_not_answered() -> None:
    machine = decided()
    with pytest.raises(RefusedMessage, match="known already"):
        machine.on_message(commit(0), NOW_NS)


def test_all_abstain_and_agree_on_no_signal() -> None:
    machine = begun(0, ABSTENTION)
    hear(machine, [commit(one, ABSTENTION) for one in (1, 2, 3)])
    seen = tuple(sorted(commit(one, ABSTENTION).message.commitment for one in range(4)))
    reveals = [reveal(one, ABSTENTION, seen=seen) for one in range(4)]
    told = report(0, reveals)
    hear(machine, [*reveals[1:], told, vote_for(1, told)])
    *_, end = hear(machine, [vote_for(2, told)])
    assert isinstance(end, Decided)
    assert machine.agreed == agreed(reveals)
    assert machine.agreed is not None
    assert machine.agreed.signal is None


def test_a_small_move_is_a_hold() -> None:
    quiet = [observation(one, prediction_e8=MARKET.dead_band_e8) for one in range(4)]
    seen = tuple(sorted(commit(one, quiet[one]).message.commitment for one in range(4)))
    machine = begun(0, quiet[0])
    hear(machine, [commit(one, quiet[one]) for one in (1, 2, 3)])
    told = report(0, [reveal(one, quiet[one], seen=seen) for one in range(4)])
    hear(machine, [told, vote_for(1, told), vote_for(2, told)])
    assert machine.agreed is not None
    assert machine.agreed.signal is not None
    assert machine.agreed.signal.direction is Direction.HOLD


def test_a_node_that_restarts_signs_nothing_else() -> None:
    disk = ForgetfulDisk()
    key = GuardedKey(KEYS[0], Guard(disk), DOMAIN)
    machine = oracle_round(0)
    [wish] = machine.observe(observation(0), salt(0))
    assert isinstance(wish, Sign)
    first = key.sign(wish.message)
    machine.on_signed(first, NOW_NS)

    again = GuardedKey(KEYS[0], Guard(disk), DOMAIN)
    machine = oracle_round(0)
    [wish] = machine.observe(observation(0, prediction_e8=1), b"\5" * 32)
    assert isinstance(wish, Sign)
    with pytest.raises(DoubleSignError):
        again.sign(wish.message)
    assert machine.on_time(NOW_NS + SECOND_NS) == [], "what was not signed is not sent"
    assert hear(machine, [first, commit(1), commit(2)]) == []
    assert len(machine.commits) == 3, "its own commitment has come back from the others"


def test_a_vote_that_came_back_is_sent_again_and_counted_once() -> None:
    machine = revealed()
    told = report()
    hear(machine, [vote_for(0, told)])
    assert hear(machine, [told]) == [Broadcast(vote_for(0, told))]
    assert hear(machine, [vote_for(1, told)]) == [], "two votes are no quorum of four"


def test_who_is_not_in_the_committee_signs_nothing_and_learns_all() -> None:
    watcher = oracle_round(OUTSIDER)
    assert watcher.observe(observation(0), salt(0)) == []
    told = report()
    messages: list[Signed[Any]] = [
        *map(commit, range(4)),
        *map(reveal, range(4)),
        told,
        vote_for(0, told),
        vote_for(1, told),
    ]
    for message in messages:
        assert watcher.on_message(message, NOW_NS) == []
    assert watcher.on_time(NOW_NS + TIMING.view_ns) == []
    *_, end = watcher.on_message(vote_for(2, told), NOW_NS + TIMING.view_ns)
    assert isinstance(end, Decided)
