"""Slots: each moment lies in just one, and everybody finds the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from noderr.validator_consensus.errors import BeforeGenesisError, SlotError
from noderr.validator_consensus.slots import SlotClock

SECOND_NS = 10**9
GENESIS_S = 1_790_000_000
CLOCK = SlotClock(GENESIS_S)


@st.composite
def clocks(draw: st.DrawFn) -> SlotClock:
    slot_s = draw(st.integers(1, 86_400))
    return SlotClock(draw(st.integers(0, 2**33)), slot_s, draw(st.integers(1, slot_s)), draw(st.integers(1, 1_000_000)))


@given(clocks(), st.integers(0, 2**63 - 1))
def test_each_moment_since_genesis_lies_in_just_one_slot(clock: SlotClock, now_ns: int) -> None:
    assume(now_ns >= clock.genesis_s * SECOND_NS)
    slot = clock.slot_at(now_ns)
    assert clock.start_ns(slot) <= now_ns < clock.start_ns(slot) + clock.slot_s * SECOND_NS


@given(clocks(), st.integers(0, 100_000))
def test_slots_follow_each_other_without_a_gap(clock: SlotClock, slot: int) -> None:
    start_ns = clock.start_ns(slot)
    assert clock.slot_at(start_ns) == slot
    assert clock.start_ns(slot + 1) == start_ns + clock.slot_s * SECOND_NS
    assert clock.slot_at(clock.start_ns(slot + 1) - 1) == slot
    assert start_ns < clock.deadline_ns(slot) <= clock.start_ns(slot + 1)


@given(clocks(), st.integers(0, 100_000))
def test_an_epoch_is_so_many_slots(clock: SlotClock, slot: int) -> None:
    epoch = clock.epoch_of(slot)
    assert epoch * clock.slots_per_epoch <= slot < (epoch + 1) * clock.slots_per_epoch


@given(clocks(), st.integers(1, 2**63))
def test_there_is_nothing_before_genesis(clock: SlotClock, before_ns: int) -> None:
    with pytest.raises(BeforeGenesisError, match=f"{before_ns} ns before the first slot"):
        clock.slot_at(clock.genesis_s * SECOND_NS - before_ns)


def test_the_defaults_are_a_minute_half_of_it_and_a_day() -> None:
    assert CLOCK.slot_at(GENESIS_S * SECOND_NS + 59_999_999_999) == 0
    assert CLOCK.slot_at(GENESIS_S * SECOND_NS + 60 * SECOND_NS) == 1
    assert CLOCK.deadline_ns(1) == (GENESIS_S + 90) * SECOND_NS
    assert (CLOCK.epoch_of(1439), CLOCK.epoch_of(1440)) == (0, 1)


@pytest.mark.parametrize("slot", [-1, 2**62])
def test_a_slot_that_does_not_exist_is_refused(slot: int) -> None:
    for call in (CLOCK.start_ns, CLOCK.deadline_ns, CLOCK.epoch_of):
        with pytest.raises(SlotError, match=f"slot {slot} does not exist"):
            call(slot)


def test_a_time_that_no_record_holds_is_refused() -> None:
    with pytest.raises(SlotError, match="a time is at most"):
        CLOCK.slot_at(2**63)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("genesis_s", -1),
        ("genesis_s", 2**63),
        ("slot_s", 0),
        ("attestation_timeout_s", 61),
        ("attestation_timeout_s", 0),
        ("slots_per_epoch", 0),
        ("slots_per_epoch", True),
        ("attestation_timeout_s", 0.5),
    ],
)
def test_an_impossible_clock_is_refused(field: str, value: Any) -> None:
    with pytest.raises(SlotError, match=rf"SlotClock\.{field} is"):
        SlotClock(**({"genesis_s": GENESIS_S} | {field: value}))
