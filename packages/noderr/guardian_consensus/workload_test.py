"""Workloads add up, and the draw is fair, the same for all, and gives nobody more than it takes."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.guardian_consensus.errors import DrawError, WorkloadError
from noderr.guardian_consensus.workload import Workload, draw_committee
from noderr.types.consensus.vote import Choice
from noderr.types.consensus.weights import VoterSet
from noderr.types.keccak import keccak256
from noderr.types.trading import FieldError

SEED = keccak256(b"seed")


def guardian(number: int) -> bytes:
    return bytes([number]) * 20


def voters(weights: dict[bytes, int]) -> VoterSet:
    return VoterSet(2, 9, weights)


EQUAL = voters({guardian(number): 10 for number in range(1, 9)})


def test_a_record_counts_what_was_said_and_how_long_it_took() -> None:
    record = Workload().begun().begun().begun()
    assert not record.has_room
    record = record.answered_with(Choice.APPROVE, 100).answered_with(Choice.REJECT, 201).gave_up()
    assert record == Workload(approvals=1, rejections=1, unanswered=1, total_ms=301)
    assert (record.answered, record.mean_ms) == (2, 150)
    assert Workload().mean_ms is None


STEPS = st.sampled_from(["begin", "approve", "reject", "abstain", "give up"])


@given(st.lists(STEPS, max_size=40), st.integers(1, 4))
def test_open_is_what_began_and_did_not_end_and_never_more_than_allowed(steps: list[str], most_open: int) -> None:
    record, began, ended = Workload(most_open=most_open), 0, 0
    for step in steps:
        try:
            if step == "begin":
                record, began = record.begun(), began + 1
            elif step == "give up":
                record, ended = record.gave_up(), ended + 1
            else:
                choice = {"approve": Choice.APPROVE, "reject": Choice.REJECT, "abstain": Choice.ABSTAIN}[step]
                record, ended = record.answered_with(choice, 7), ended + 1
        except WorkloadError:
            assert record.open == (most_open if step == "begin" else 0)
        assert record.open == began - ended <= most_open
        assert record.answered + record.unanswered == ended
        assert record.total_ms == 7 * record.answered


def test_who_is_not_active_gets_nothing() -> None:
    with pytest.raises(WorkloadError, match="active False"):
        Workload(active=False).begun()


@pytest.mark.parametrize("changes", [{"open": 4}, {"open": -1}, {"most_open": 0}, {"total_ms": -1}, {"approvals": 1.5}])
def test_a_record_that_makes_no_sense_is_refused(changes: dict[str, int]) -> None:
    with pytest.raises(FieldError):
        Workload(**changes)  # type: ignore[arg-type]  # `active` is no int, and none of these.


LOADS = st.dictionaries(
    st.sampled_from(EQUAL.voters),
    st.builds(Workload, open=st.integers(0, 3), active=st.booleans()),
)


@given(LOADS, st.binary(min_size=32, max_size=32), st.integers(1, 8), st.sets(st.sampled_from(EQUAL.voters)))
def test_only_who_has_room_is_drawn_and_once(
    loads: dict[bytes, Workload], seed: bytes, size: int, exclude: set[bytes]
) -> None:
    able = {voter for voter in EQUAL.voters if voter not in exclude and loads.get(voter, Workload()).has_room}
    if size > len(able):
        with pytest.raises(DrawError, match=f"{size} are to be drawn of {len(able)} guardians"):
            draw_committee(EQUAL, loads, size=size, seed=seed, exclude=exclude)
        return
    drawn = draw_committee(EQUAL, loads, size=size, seed=seed, exclude=exclude)
    assert len(set(drawn)) == len(drawn) == size
    assert set(drawn) <= able
    shuffled = dict(reversed(loads.items()))
    assert draw_committee(EQUAL, shuffled, size=size, seed=seed, exclude=exclude) == drawn


def test_every_seed_draws_another_and_a_smaller_committee_is_the_beginning_of_a_larger() -> None:
    five = [draw_committee(EQUAL, {}, size=5, seed=keccak256(bytes([n])), exclude=()) for n in range(20)]
    assert len(set(five)) > 15
    assert draw_committee(EQUAL, {}, size=3, seed=keccak256(bytes([0])))[:3] == five[0][:3]


def test_the_chance_is_the_weight() -> None:
    weighted = voters({guardian(1): 1, guardian(2): 2, guardian(3): 7})
    rounds = 4000
    firsts, seconds = Counter[bytes](), Counter[bytes]()
    for number in range(rounds):
        first, second = draw_committee(weighted, {}, size=2, seed=keccak256(number.to_bytes(4, "big")))
        firsts[first] += 1
        seconds[second] += 1
    # Without replacement: P(second = i) = sum over j of w_j/10 * w_i/(10 - w_j). Four standard deviations are 126.
    for place, chances in [
        (firsts, {1: 0.1, 2: 0.2, 3: 0.7}),
        (seconds, {1: 0.2 * 1 / 8 + 0.7 * 1 / 3, 2: 0.1 * 2 / 9 + 0.7 * 2 / 3, 3: 0.1 * 7 / 9 + 0.2 * 7 / 8}),
    ]:
        for number, chance in chances.items():
            assert abs(place[guardian(number)] - rounds * chance) < 126


@pytest.mark.parametrize("seed", [b"", b"\1" * 31, b"\1" * 33])
def test_a_seed_of_another_length_is_refused(seed: bytes) -> None:
    with pytest.raises(DrawError, match="it must have 32"):
        draw_committee(EQUAL, {}, size=1, seed=seed)
    with pytest.raises(DrawError, match="0 are to be drawn"):
        draw_committee(EQUAL, {}, size=0, seed=SEED)
