"""The journal: records that share a sync, every way to tear them, and damage that is no tear."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.core.consensus.errors import GuardDamagedError
from noderr.core.consensus.journal import MOST_AT_ONCE, FileDisk, Journal
from noderr.core.consensus.testing import ForgetfulDisk

RECORD_BYTES = 8
SEALED_BYTES = RECORD_BYTES + 6


def batch_of(first: int, count: int) -> list[bytes]:
    return [number.to_bytes(RECORD_BYTES, "big") for number in range(first, first + count)]


def journal_of(*counts: int) -> tuple[ForgetfulDisk, list[bytes]]:
    """A disk with batches of so many records, and all of them."""
    disk = ForgetfulDisk()
    journal = Journal(disk, RECORD_BYTES)
    for count in counts:
        journal.append(batch_of(len(journal.records), count))
    return disk, journal.records


def reopened(content: bytes) -> list[bytes]:
    disk = ForgetfulDisk()
    disk.synced = content
    records = Journal(disk, RECORD_BYTES).records
    assert len(disk.read()) == SEALED_BYTES * len(records), "what is torn is cut off"
    return records


def with_damage(content: bytes, *records: int) -> bytes:
    damaged = bytearray(content)
    for record in records:
        damaged[SEALED_BYTES * record + 9] ^= 4
    return bytes(damaged)


def test_records_come_back_in_order_however_they_were_put_together() -> None:
    disk, records = journal_of(1, 3, MOST_AT_ONCE, 2)
    assert records == batch_of(0, 6 + MOST_AT_ONCE)
    assert reopened(disk.read()) == records
    assert disk.syncs == 4


def test_the_last_batch_may_be_torn_anywhere() -> None:
    disk, records = journal_of(2, 3)
    content = disk.read()
    for length in range(2 * SEALED_BYTES, len(content)):
        assert reopened(content[:length]) == records[: length // SEALED_BYTES]


@pytest.mark.parametrize("damaged", [(2,), (3,), (4,), (2, 3), (2, 4), (3, 4), (2, 3, 4)])
def test_pages_of_the_last_batch_may_be_missing_in_its_middle(damaged: tuple[int, ...]) -> None:
    # A disk writes what is not synced in any order.
    disk, records = journal_of(2, 3)
    assert reopened(with_damage(disk.read(), *damaged)) == records[: damaged[0]]


@pytest.mark.parametrize(
    "damaged",
    [
        (0,),
        (2,),
        (2, 3),  # The end of one batch and the beginning of the next: the last record says when its batch began.
        (1, 2, 3, 4),  # Nothing of the last batch is sound, but that of before it says where it ended.
    ],
)
def test_damage_before_the_last_batch_is_an_error(damaged: tuple[int, ...]) -> None:
    disk, _ = journal_of(3, 2)
    with pytest.raises(GuardDamagedError, match=f"record {damaged[0]} of the journal of signatures is damaged"):
        reopened(with_damage(disk.read(), *damaged))


def test_more_than_one_batch_is_not_torn() -> None:
    disk, records = journal_of(1)
    zeros = bytes(SEALED_BYTES)
    assert reopened(disk.read() + MOST_AT_ONCE * zeros) == records
    with pytest.raises(GuardDamagedError, match="record 1 of"):
        reopened(disk.read() + (MOST_AT_ONCE + 1) * zeros)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.data())
def test_what_was_synced_comes_back_or_is_missed_aloud(counts: list[int], data: st.DataObject) -> None:
    disk, records = journal_of(*counts)
    damaged = data.draw(st.sets(st.integers(0, len(records) - 1), min_size=1))
    began = len(records) - counts[-1]
    content = with_damage(disk.read(), *damaged)
    if min(damaged) >= began:
        assert reopened(content) == records[: min(damaged)]
        return
    try:
        found = reopened(content)
    except GuardDamagedError:
        return
    # Of a first record that is damaged with all that follow nobody can say that it was not the last batch.
    assert damaged == set(range(min(damaged), len(records)))
    assert found == records[: min(damaged)]


def test_a_rewritten_journal_is_the_new_file(tmp_path: Path) -> None:
    path = tmp_path / "guard.journal"
    journal = Journal(FileDisk(path), RECORD_BYTES)
    journal.append(batch_of(0, 4))
    journal.rewrite(journal.records[2:])
    journal.append([b"lastlast"])
    assert Journal(FileDisk(path), RECORD_BYTES).records == [*batch_of(2, 2), b"lastlast"]
