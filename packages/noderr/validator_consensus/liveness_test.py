"""Liveness: the same certificates give the same figures, in any order, through restarts, in bounded room."""

from __future__ import annotations

import copy
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.core.consensus.testing import NOW_S, keys, voter_set
from noderr.types.consensus import Certificate, Choice, VoterSet, VoterSignature
from noderr.validator_consensus.errors import LivenessError
from noderr.validator_consensus.liveness import FILE_NAME, LivenessTracker, Participation

KEYS = keys(5)
# The fifth joins in the second epoch.
EPOCHS = {1: voter_set(KEYS[:4], tier=1, epoch=1), 2: voter_set(KEYS, tier=1, epoch=2)}


def certificate(slot: int, *signers: int, epoch: int = 1, **changes: Any) -> Certificate:
    """A certificate as it is after it was verified: signatures do not matter any more."""
    fields: dict[str, Any] = {
        "tier": 1,
        "epoch": epoch,
        "round": slot,
        "topic": b"\1" * 32,
        "subject": b"\2" * 32,
        "choice": Choice.APPROVE,
        "expires_at_s": NOW_S,
        "signatures": tuple(
            VoterSignature(voter=KEYS[signer].address, codes=15, signature=b"") for signer in sorted(signers)
        ),
    }
    return Certificate(**(fields | changes))


async def recorded(
    folder: Path, certificates: list[Certificate], window_slots: int = 1440
) -> Mapping[bytes, Participation]:
    tracker = LivenessTracker(folder, window_slots)
    try:
        for one in certificates:
            await tracker.record(one, EPOCHS[one.epoch])
        return await tracker.participation()
    finally:
        await tracker.close()


async def test_figures_of_a_window_and_through_a_restart(tmp_path: Path) -> None:
    await recorded(tmp_path, [certificate(slot, 0, 1, 2 if slot % 3 else 3) for slot in range(9)])
    tracker = LivenessTracker(tmp_path)
    assert [await tracker.participation_bps(key.address) for key in KEYS] == [10_000, 10_000, 6_666, 3_333, None]
    await tracker.close()


async def test_who_joined_later_is_not_measured_by_what_was_before(tmp_path: Path) -> None:
    found = await recorded(tmp_path, [certificate(1, 0, 1, 2), certificate(2, 0, 1, 2, 4, epoch=2)])
    assert found[KEYS[4].address] == Participation(1, 1)
    assert found[KEYS[3].address] == Participation(2, 0)


async def test_what_left_the_window_does_not_count_and_is_not_kept(tmp_path: Path) -> None:
    found = await recorded(tmp_path, [certificate(slot, 0, 1, 3 if slot < 10 else 2) for slot in range(20)], 10)
    assert found[KEYS[3].address] == Participation(10, 0)
    assert found[KEYS[2].address] == Participation(10, 10)
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        assert connection.execute("SELECT count(*), min(slot) FROM presences").fetchone() == (40, 10)
    connection.close()
    assert await recorded(tmp_path, [certificate(9, 3)], 10) == found, "it comes too late"
    assert (await recorded(tmp_path, [], 5))[KEYS[2].address] == Participation(5, 5), "a shorter window at once"


CERTIFICATES = st.lists(
    st.builds(
        lambda slot, signers: certificate(slot, *signers, epoch=1 + slot // 12),
        st.integers(0, 23),
        st.sets(st.integers(0, 3), min_size=3),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=25, deadline=None)
@given(CERTIFICATES, st.integers(1, 12), st.randoms(use_true_random=False))
async def test_the_same_certificates_give_the_same_figures_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, certificates: list[Certificate], window: int, randomness: Any
) -> None:
    shuffled = [*certificates, *certificates[:5]]
    randomness.shuffle(shuffled)
    folder = tmp_path_factory.mktemp("shuffled")
    half = len(shuffled) // 2
    await recorded(folder, shuffled[:half], window)
    found = await recorded(folder, shuffled[half:], window)
    newest = max(one.round for one in certificates)
    expected: dict[bytes, Participation] = {}
    for key in KEYS:
        slots: dict[int, bool] = {}
        for one in certificates:
            if one.round > newest - window and key.address in EPOCHS[one.epoch].weights:
                signed = key.address in {part.voter for part in one.signatures}
                slots[one.round] = slots.get(one.round, False) or signed
        if slots:
            expected[key.address] = Participation(len(slots), sum(slots.values()))
    assert found == expected
    assert all(0 <= one.bps <= 10_000 for one in found.values())


@pytest.mark.parametrize(
    ("wrong", "voters", "reason"),
    [
        (certificate(1, 0), EPOCHS[2], "not of the voters of tier 1, epoch 2"),
        (certificate(1, 0, tier=2), EPOCHS[1], "a certificate of tier 2"),
        (certificate(1, 4), EPOCHS[1], "verify it first"),
        (certificate(2**63, 0), EPOCHS[1], "no slot has this number"),
        (certificate(-1, 0), EPOCHS[1], "no slot has this number"),
    ],
)
async def test_what_is_not_of_these_voters_is_refused(
    tmp_path: Path, wrong: Certificate, voters: VoterSet, reason: str
) -> None:
    tracker = LivenessTracker(tmp_path)
    with pytest.raises(LivenessError, match=reason):
        await tracker.record(wrong, voters)
    assert await tracker.participation() == {}
    await tracker.close()


async def test_the_last_slot_that_there_is_fits(tmp_path: Path) -> None:
    last = certificate(2**63 - 1, 0, 1, 2)
    found = await recorded(tmp_path, [last, copy.replace(last, round=0)])
    assert found[KEYS[0].address] == Participation(1, 1)


@pytest.mark.parametrize("window_slots", [0, -1, 100_001])
def test_a_window_that_makes_no_sense_is_refused(tmp_path: Path, window_slots: int) -> None:
    with pytest.raises(LivenessError, match="window_slots"):
        LivenessTracker(tmp_path, window_slots)
