from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from noderr.core.errors import KeyFileError
from noderr.core.key_file import make_key_file, read_key_file


def test_what_is_made_is_read_and_is_the_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "some.key"
    before = os.umask(0)
    try:
        make_key_file(path, b"secret")
    finally:
        os.umask(before)
    assert read_key_file(path) == b"secret"
    assert path.stat().st_mode & 0o7777 == 0o600


def test_a_key_that_is_there_stays(tmp_path: Path) -> None:
    make_key_file(tmp_path / "some.key", b"first")
    make_key_file(tmp_path / "some.key", b"second")
    assert read_key_file(tmp_path / "some.key") == b"first"


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo], ids=["directory", "pipe"])
def test_what_is_no_plain_file_is_refused_at_once(tmp_path: Path, make: Callable[[Path, int], None]) -> None:
    make(tmp_path / "some.key", 0o600)
    with pytest.raises(KeyFileError, match="is no plain file: put the key file itself there"):
        read_key_file(tmp_path / "some.key")


@pytest.mark.parametrize("content", [b"\x00\xff", b"a" * 1000], ids=["binary", "long"])
def test_content_comes_back_as_it_is(tmp_path: Path, content: bytes) -> None:
    make_key_file(tmp_path / "some.key", content)
    assert read_key_file(tmp_path / "some.key") == content


def test_absent_file_is_named_with_what_it_must_be(tmp_path: Path) -> None:
    with pytest.raises(
        KeyFileError, match=rf"some\.key cannot be opened: No such file.*user {os.geteuid()}, mode 0600"
    ):
        read_key_file(tmp_path / "some.key")
