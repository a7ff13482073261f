from __future__ import annotations

import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from noderr.utils import create_file, replace_file
from noderr.utils.files import remove_temporary_files


def test_file_has_content_and_mode_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o000)
    try:
        create_file(tmp_path / "key", b"content")
    finally:
        os.umask(before)
    assert (tmp_path / "key").read_bytes() == b"content"
    assert (tmp_path / "key").stat().st_mode & 0o7777 == 0o600


def test_existing_file_is_never_touched(tmp_path: Path) -> None:
    create_file(tmp_path / "key", b"first")
    with pytest.raises(FileExistsError):
        create_file(tmp_path / "key", b"second")
    assert (tmp_path / "key").read_bytes() == b"first"


def test_nothing_else_is_left_behind(tmp_path: Path) -> None:
    create_file(tmp_path / "key", b"first")
    with pytest.raises(FileExistsError):
        create_file(tmp_path / "key", b"second")
    assert [entry.name for entry in tmp_path.iterdir()] == ["key"]


def test_one_of_many_racers_wins(tmp_path: Path) -> None:
    def attempt(number: int) -> int | None:
        try:
            create_file(tmp_path / "key", str(number).encode())
        except FileExistsError:
            return None
        return number

    with ThreadPoolExecutor(8) as pool:
        winners = [number for number in pool.map(attempt, range(32)) if number is not None]
    assert len(winners) == 1
    assert (tmp_path / "key").read_text() == str(winners[0])


def test_missing_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        create_file(tmp_path / "absent" / "key", b"")


def test_replaced_file_has_the_new_content_and_mode_and_nothing_is_left_behind(tmp_path: Path) -> None:
    replace_file(tmp_path / "state", b"first", mode=0o644)
    replace_file(tmp_path / "state", b"second")
    assert (tmp_path / "state").read_bytes() == b"second"
    assert (tmp_path / "state").stat().st_mode & 0o7777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["state"]


def test_readers_of_a_file_that_is_replaced_see_a_whole_one(tmp_path: Path) -> None:
    contents = {bytes([letter]) * 100_000 for letter in b"abcdefgh"}
    replace_file(tmp_path / "state", b"a" * 100_000)

    def replace_all() -> None:
        for content in sorted(contents):
            replace_file(tmp_path / "state", content)

    with ThreadPoolExecutor(2) as pool:
        writers = [pool.submit(replace_all) for _ in range(2)]
        while not all(writer.done() for writer in writers):
            assert (tmp_path / "state").read_bytes() in contents
    for writer in writers:
        writer.result()


@pytest.mark.parametrize("refuses", ["fsync", "replace"])
def test_failed_replacement_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuses: str
) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(errno.EIO, "the disk refuses")

    replace_file(tmp_path / "state", b"old")
    monkeypatch.setattr(os, refuses, refuse)
    with pytest.raises(OSError, match="the disk refuses"):
        replace_file(tmp_path / "state", b"new")
    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == {"state": b"old"}


def test_content_is_synced_before_the_name_and_the_name_before_the_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    really_sync, really_replace = os.fsync, os.replace

    def sync(descriptor: int) -> None:
        steps.append("directory synced" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file synced")
        really_sync(descriptor)

    def replace(source: str, target: Path) -> None:
        steps.append("renamed")
        really_replace(source, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", replace)
    replace_file(tmp_path / "state", b"content")
    assert steps == ["file synced", "renamed", "directory synced"]


def test_old_file_stays_under_the_other_name(tmp_path: Path) -> None:
    state, old = tmp_path / "state", tmp_path / "old"
    replace_file(state, b"first")
    for content in (b"second", b"third"):
        before = state.read_bytes()
        replace_file(state, content, keep_old_as=old)
        assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == {"state": content, "old": before}


def test_both_names_of_one_file_after_a_kill_do_no_harm(tmp_path: Path) -> None:
    state, old = tmp_path / "state", tmp_path / "old"
    replace_file(state, b"first")
    os.link(state, old)
    replace_file(state, b"second", keep_old_as=old)
    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == {"state": b"second", "old": b"first"}


def test_only_temporary_files_of_the_name_are_removed(tmp_path: Path) -> None:
    for name in ("state", ".state.tmp-abc", ".state.tmp-link", ".other.tmp-abc", ".state"):
        (tmp_path / name).touch()
    remove_temporary_files(tmp_path / "state")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".other.tmp-abc", ".state", "state"]
