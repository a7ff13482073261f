from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from noderr.utils import create_file


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
