"""The double-sign guard: the rules of EIP-3076, and every way for a disk or a backup to lie."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from types import NoneType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.core.consensus.errors import DoubleSignError, GuardDamagedError, TooOldError
from noderr.core.consensus.guard import Guard, GuardedKey
from noderr.core.consensus.journal import FileDisk
from noderr.core.consensus.testing import DOMAIN, ForgetfulDisk, keys, vote
from noderr.types.consensus import AccountSignatures, check_signature

ONE, OTHER = b"\1" * 32, b"\2" * 32


def test_the_first_is_permitted_and_the_same_again() -> None:
    guard = Guard(ForgetfulDisk())
    for _ in range(3):
        guard.permit(vote(), ONE)
    assert len(guard) == 1


def test_another_in_the_same_round_is_refused_for_ever() -> None:
    disk = ForgetfulDisk()
    Guard(disk).permit(vote(), ONE)
    with pytest.raises(DoubleSignError, match="another Vote of epoch 9, round 5 was signed already"):
        Guard(disk).permit(vote(), OTHER)


@pytest.mark.parametrize("changes", [{"round": 6}, {"epoch": 10}, {"topic": b"\3" * 32}, {"tier": 2}])
def test_another_place_is_another(changes: dict[str, int]) -> None:
    guard = Guard(ForgetfulDisk())
    guard.permit(vote(), ONE)
    guard.permit(vote(**changes), OTHER)


def test_nothing_at_or_below_the_watermark() -> None:
    disk = ForgetfulDisk()
    Guard(disk).refuse_through(3, 9, 5)
    guard = Guard(disk)
    for place in ({"round": 5}, {"round": 4}, {"epoch": 8, "round": 100}):
        with pytest.raises(TooOldError, match="at or before epoch 9, round 5"):
            guard.permit(vote(**place), ONE)
    guard.permit(vote(round=6), ONE)
    guard.permit(vote(epoch=10, round=0), ONE)
    guard.permit(vote(tier=2), ONE)


def test_a_watermark_never_sinks() -> None:
    guard = Guard(ForgetfulDisk())
    guard.refuse_through(3, 9, 5)
    guard.refuse_through(3, 9, 4)
    assert guard.watermark(3) == (9, 5)


def test_what_was_signed_before_the_watermark_may_be_signed_again() -> None:
    guard = Guard(ForgetfulDisk())
    guard.permit(vote(), ONE)
    guard.refuse_through(3, 9, 5)
    guard.permit(vote(), ONE)
    with pytest.raises(DoubleSignError):
        guard.permit(vote(), OTHER)


def test_a_restored_backup_signs_nothing_of_before_the_restart() -> None:
    disk = ForgetfulDisk()
    guard = Guard(disk)
    guard.permit(vote(round=1), ONE)
    backup = disk.read()
    guard.permit(vote(round=2), ONE)
    restored = ForgetfulDisk()
    restored.synced = backup
    again = Guard(restored)
    again.refuse_through(3, 9, 2)  # What the service does at every start, with the round of that moment.
    with pytest.raises(TooOldError):
        again.permit(vote(round=2), OTHER)


def test_what_is_forgotten_is_refused() -> None:
    disk = ForgetfulDisk()
    guard = Guard(disk, keep_records=4)
    for number in range(40):
        guard.permit(vote(round=number), ONE)
    assert len(disk.read()) < 10 * 200
    for fresh in (guard, Guard(disk, keep_records=4)):
        for number in range(40):
            with pytest.raises((DoubleSignError, TooOldError)):
                fresh.permit(vote(round=number), OTHER)
        fresh.permit(vote(round=39), ONE)


def test_nothing_is_signed_that_the_disk_did_not_take() -> None:
    disk = ForgetfulDisk()
    signed: list[bytes] = []
    key = keys(1)[0]

    class Key:
        address = key.address

        def sign(self, digest: bytes) -> bytes:
            signed.append(digest)
            return key.sign(digest)

    guarded = GuardedKey(Key(), Guard(disk), DOMAIN)
    disk.fails = True
    with pytest.raises(OSError, match="the disk is gone"):
        guarded.sign(vote())
    disk.fails = False
    with pytest.raises(OSError, match="start anew"):
        guarded.sign(vote())
    assert signed == []


def test_a_signature_is_that_of_the_message() -> None:
    guarded = GuardedKey(keys(1)[0], Guard(ForgetfulDisk()), DOMAIN)
    check_signature(guarded.sign(vote()), DOMAIN, AccountSignatures())


def test_many_are_signed_with_one_wait_for_the_disk() -> None:
    disk = ForgetfulDisk()
    guard = Guard(disk)
    guard.permit(vote(round=1), ONE)
    syncs = disk.syncs
    key = GuardedKey(keys(1)[0], guard, DOMAIN)
    messages = [
        vote(round=2),
        vote(round=1),  # Of another digest than ONE.
        vote(round=2, subject=b"\6" * 32),
        vote(round=3),
        vote(round=2),
    ]
    refused = key.permit_all(messages)
    assert [type(refusal) for refusal in refused] == [NoneType, DoubleSignError, DoubleSignError, NoneType, NoneType]
    for message, refusal in zip(messages, refused, strict=True):
        if refusal is None:
            check_signature(key.sign(message), DOMAIN, AccountSignatures())
        else:
            with pytest.raises(DoubleSignError):
                key.sign(message)
    assert disk.syncs == syncs + 1
    assert len(Guard(disk)) == 3


def test_of_many_none_is_signed_that_the_disk_did_not_take() -> None:
    disk = ForgetfulDisk()
    guarded = GuardedKey(keys(1)[0], Guard(disk), DOMAIN)
    disk.fails = True
    with pytest.raises(OSError, match="the disk is gone"):
        guarded.permit_all([vote(round=1), vote(round=2)])
    for number in (1, 2):
        with pytest.raises(OSError, match="start anew"):
            guarded.sign(vote(round=number))


@settings(max_examples=300)
@given(
    st.integers(0, 2**32),
    st.lists(
        st.lists(st.tuples(st.integers(0, 5), st.sampled_from([ONE, OTHER])), min_size=1, max_size=4), max_size=15
    ),
)
def test_no_crash_makes_it_sign_two_things(seed: int, batches: list[list[tuple[int, bytes]]]) -> None:
    randomness = random.Random(seed)
    disk = ForgetfulDisk()
    guard = Guard(disk, keep_records=3)
    signed: dict[int, bytes] = {}
    for batch in batches:
        asked = [(vote(round=number), digest) for number, digest in batch]
        if randomness.random() < 0.3:
            # Power off while the records of signatures that were never made are half written.
            disk.loses_syncs = True
            guard.permit_all(asked)
            disk.loses_syncs = False
            disk.crash(randomness)
            guard = Guard(disk, keep_records=3)
            asked.reverse()
        for (message, digest), refusal in zip(asked, guard.permit_all(asked), strict=True):
            if refusal is None:
                assert signed.setdefault(message.round, digest) == digest


def test_a_torn_record_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "guard.journal"
    guard = Guard(FileDisk(path))
    guard.permit(vote(round=1), ONE)
    whole = path.read_bytes()
    guard.permit(vote(round=2), ONE)
    for length in range(len(whole), 2 * len(whole)):
        path.write_bytes((whole + whole)[:length])
        assert len(Guard(FileDisk(path))) == 1
        assert path.read_bytes() == whole


def test_a_record_of_zeros_at_the_end_is_torn_too(tmp_path: Path) -> None:
    path = tmp_path / "guard.journal"
    Guard(FileDisk(path)).permit(vote(), ONE)
    whole = path.read_bytes()
    path.write_bytes(whole + bytes(len(whole)))
    assert len(Guard(FileDisk(path))) == 1


def test_damage_before_the_end_stops_the_voter(tmp_path: Path) -> None:
    path = tmp_path / "guard.journal"
    guard = Guard(FileDisk(path))
    for number in range(3):
        guard.permit(vote(round=number), ONE)
    data = bytearray(path.read_bytes())
    data[10] ^= 1
    path.write_bytes(data)
    with pytest.raises(GuardDamagedError, match="record 0 of the journal of signatures is damaged"):
        Guard(FileDisk(path))
    assert path.read_bytes() == data, "what may be evidence is left as it is"


def test_the_file_is_the_owners_alone(tmp_path: Path) -> None:
    FileDisk(tmp_path / "guard.journal")
    assert (tmp_path / "guard.journal").stat().st_mode & 0o777 == 0o600


def test_a_closed_file_takes_nothing_more(tmp_path: Path) -> None:
    disk = FileDisk(tmp_path / "guard.journal")
    guard = Guard(disk)
    guard.permit(vote(round=1), ONE)
    disk.close()
    disk.close()
    with pytest.raises(OSError, match="is closed"):
        guard.permit(vote(round=2), ONE)
    assert len(Guard(FileDisk(tmp_path / "guard.journal"))) == 1


_SIGNER = """
import sys
from pathlib import Path
from noderr.core.consensus.guard import Guard
from noderr.core.consensus.journal import FileDisk
from noderr.core.consensus.testing import vote
guard = Guard(FileDisk(Path(sys.argv[1])))
number = len(guard)
while True:
    guard.permit(vote(round=number), bytes(24) + number.to_bytes(8, "big"))
    print(number, flush=True)
    number += 1
"""


def test_kill_9_loses_nothing_that_was_told(tmp_path: Path) -> None:
    path = tmp_path / "guard.journal"
    told = -1
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", _SIGNER, str(path)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        ) as process:
            assert process.stdout is not None
            for _ in range(20):
                told = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
            told = max([told, *map(int, process.stdout.read().split())])
        guard = Guard(FileDisk(path))
        for number in range(told + 1):
            with pytest.raises(DoubleSignError):
                guard.permit(vote(round=number), OTHER)


def test_compaction_after_many_starts_forgets_nothing_that_it_may_keep() -> None:
    guard = Guard(ForgetfulDisk(), keep_records=8)
    for number in range(9):
        guard.refuse_through(1, 9, number)
    for number in range(100, 108):
        guard.permit(vote(round=number), ONE)
    assert len(guard) == 8
    assert guard.watermark(3) is None


def test_a_round_in_which_much_is_signed_does_not_close_itself() -> None:
    disk = ForgetfulDisk()
    guard = Guard(disk, keep_records=8)
    for number in range(3):
        guard.permit(vote(round=number), ONE)
    # The next one may have been begun already, by who is a little ahead.
    for round_ in (50, 51, 50):
        for number in range(20):
            topic = round_.to_bytes(1) + number.to_bytes(31)
            guard.permit(vote(round=round_, topic=topic), ONE)
    assert guard.watermark(3) == (9, 2)
    assert len(guard) == len(Guard(disk, keep_records=8)) == 40
    with pytest.raises(DoubleSignError):
        guard.permit(vote(round=50, topic=(50).to_bytes(1) + bytes(31)), OTHER)
    guard.permit(vote(round=60), ONE)
    for number in range(60):
        guard.permit(vote(round=61, topic=number.to_bytes(32)), ONE)
    assert guard.watermark(3) == (9, 51)
