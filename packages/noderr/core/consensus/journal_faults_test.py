"""A journal on a disk that fails: nothing that was synced is lost or forgotten, and nothing else is touched."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import noderr.utils.files as files
from noderr.core.consensus import journal
from noderr.core.consensus.errors import GuardDamagedError
from noderr.core.consensus.guard import Guard
from noderr.core.consensus.journal import FileDisk
from noderr.core.consensus.testing import ForgetfulDisk, vote

ONE, OTHER = b"\1" * 32, b"\2" * 32


def fails(code: int) -> Callable[..., Any]:
    def fail(*_arguments: Any, **_options: Any) -> Any:
        raise OSError(code, os.strerror(code))

    return fail


def full_guard(path: Path) -> Guard:
    """Its next permission compacts the journal."""
    guard = Guard(FileDisk(path), keep_records=2)
    for number in range(4):
        guard.permit(vote(round=number), ONE)
    return guard


@pytest.mark.parametrize("ends", ["with an error", "with nothing"])
def test_a_disk_that_gives_only_the_beginning_cuts_nothing_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    # Linux gives the bytes before a bad sector; the error comes with the next call.
    disk = FileDisk(tmp_path / "journal")
    guard = Guard(disk)
    for number in range(100):
        guard.permit(vote(round=number), ONE)
    disk.close()
    size, real = (tmp_path / "journal").stat().st_size, os.pread

    def pread(file: int, length: int, offset: int) -> bytes:
        if offset >= 4096 and ends == "with an error":
            raise OSError(errno.EIO, "Input/output error")
        return real(file, min(length, max(0, 4096 - offset)), offset)

    monkeypatch.setattr(os, "pread", pread)
    with pytest.raises(OSError, match=r"Input/output error|the disk gives 4096 of"):
        Guard(FileDisk(tmp_path / "journal"))
    assert (tmp_path / "journal").stat().st_size == size


@pytest.mark.parametrize("step", ["sync_directory", "os.replace"])
def test_after_a_rewrite_that_failed_nothing_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    guard = full_guard(tmp_path / "journal")
    with monkeypatch.context() as patch:
        patch.setattr(*((files, step) if step == "sync_directory" else (os, "replace")), fails(errno.EIO))
        with pytest.raises(OSError, match="Input/output error"):
            guard.permit(vote(round=4), ONE)
    with pytest.raises(OSError, match="start anew"):
        guard.permit(vote(round=5), ONE)
    again = Guard(FileDisk(tmp_path / "journal"), keep_records=2)
    again.permit(vote(round=3), ONE)
    again.permit(vote(round=5), OTHER)


def test_a_file_that_cannot_be_opened_again_leaves_others_files_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real = tmp_path / "journal", os.open
    disk = FileDisk(path)
    guard = Guard(disk, keep_records=2)
    for number in range(4):
        guard.permit(vote(round=number), ONE)

    def open_(file: Any, *arguments: Any, **options: Any) -> int:
        if Path(file) == path:
            raise OSError(errno.EMFILE, "Too many open files")
        return real(file, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", open_)
        with pytest.raises(OSError, match="Too many open files"):
            guard.permit(vote(round=4), ONE)
    # It gets the descriptor that was the journal's.
    other = os.open(tmp_path / "another", os.O_RDWR | os.O_CREAT)
    with pytest.raises(OSError, match="start anew"):
        guard.permit(vote(round=5), ONE)
    disk.close()
    assert os.fstat(other).st_size == 0
    os.close(other)


def test_the_name_is_synced_although_the_first_start_could_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with monkeypatch.context() as patch:
        patch.setattr(journal, "sync_directory", fails(errno.EIO))
        for _ in range(3):
            with pytest.raises(OSError, match="Input/output error"):
                FileDisk(tmp_path / "journal")
    assert len(os.listdir("/proc/self/fd")) == before
    synced: list[Path] = []
    monkeypatch.setattr(journal, "sync_directory", synced.append)
    FileDisk(tmp_path / "journal").close()
    assert synced == [tmp_path]


def test_every_append_is_synced_before_it_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guard, real = Guard(FileDisk(tmp_path / "journal")), os.fsync
    sizes: list[int] = []

    def fsync(file: int) -> None:
        real(file)
        sizes.append(os.fstat(file).st_size)

    monkeypatch.setattr(os, "fsync", fsync)
    for number in range(3):
        guard.permit(vote(round=number), ONE)
        assert sizes[-1] == (tmp_path / "journal").stat().st_size
    assert len(sizes) == 3


def test_a_write_of_a_part_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guard, real = Guard(FileDisk(tmp_path / "journal")), os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, data[:10]))
    with pytest.raises(OSError, match="a part of a record"):
        guard.permit(vote(), ONE)
    monkeypatch.undo()
    Guard(FileDisk(tmp_path / "journal")).permit(vote(), OTHER)


def test_what_killed_rewrites_left_is_taken_away(tmp_path: Path) -> None:
    Guard(FileDisk(tmp_path / "journal")).permit(vote(), ONE)
    with files._temporary_file(tmp_path / "journal", b"x" * 1000, 0o600) as left:
        os.link(left, tmp_path / "kept")
        name = Path(left).name
    (tmp_path / "kept").rename(tmp_path / name)
    Guard(FileDisk(tmp_path / "journal"))
    assert [entry.name for entry in tmp_path.iterdir()] == ["journal"]


def torn_twice(damaged: int) -> ForgetfulDisk:
    """Two batches, each torn by a power cut in one slot; of the second the record of this index was not written."""
    disk = ForgetfulDisk()
    guard = Guard(disk)
    guard.refuse_through(3, 9, 4)
    size = len(disk.read())
    guard.permit_all([(vote(round=5, topic=bytes([topic]) * 32), ONE) for topic in range(3)])
    disk.synced = disk.synced[: 2 * size + 10]
    guard = Guard(disk)
    assert len(disk.read()) == 2 * size
    guard.permit_all([(vote(round=5, topic=bytes([9 + topic]) * 32), ONE) for topic in range(4)])
    spoiled = bytearray(disk.synced)
    spoiled[(2 + damaged) * size + 20] ^= 1
    disk.synced = bytes(spoiled)
    return disk


@pytest.mark.parametrize("damaged", range(4))
def test_two_batches_torn_one_after_the_other_are_cut_off(damaged: int) -> None:
    guard = Guard(torn_twice(damaged))
    guard.permit(vote(round=5, topic=b"\0" * 32), ONE)
    assert len(guard) == 1 + damaged


def test_what_is_left_of_a_torn_batch_does_not_hide_damage_after_it() -> None:
    disk = ForgetfulDisk()
    Guard(disk).permit_all([(vote(round=5, topic=bytes([topic]) * 32), ONE) for topic in range(6)])
    size = len(disk.read()) // 6
    disk.synced = disk.synced[: 2 * size]
    guard = Guard(disk)
    for number in (6, 7):
        guard.permit(vote(round=number), ONE)
    spoiled = bytearray(disk.synced)
    spoiled[2 * size + 20] ^= 1
    disk.synced = bytes(spoiled)
    with pytest.raises(GuardDamagedError):
        Guard(disk)
