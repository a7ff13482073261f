from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base_image.errors import LockEdited, LockMissing, LockStale
from base_image.lock_file import Lock, LockedPackage, check_together, read_lock, render_lock

_WORDS = st.text("abcdefgh0123456789.+-~:", min_size=1, max_size=12)
_PACKAGES = st.builds(
    LockedPackage,
    _WORDS,
    _WORDS,
    _WORDS,
    st.sampled_from(["debian", "debian-security"]),
    _WORDS,
    st.integers(0),
    _WORDS,
)
_LOCKS = st.builds(
    Lock,
    st.just("trixie"),
    st.sampled_from(["amd64", "arm64"]),
    st.integers(0, 2**31).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    _WORDS,
    st.lists(_PACKAGES, unique_by=lambda package: package.name).map(
        lambda packages: tuple(sorted(packages, key=lambda package: package.name))
    ),
)


@given(_LOCKS)
def test_a_lock_comes_back_as_written(tmp_path_factory: pytest.TempPathFactory, lock: Lock) -> None:
    source = tmp_path_factory.getbasetemp() / "one.lock"
    source.write_text(render_lock(lock), encoding="utf-8")
    assert read_lock(source) == lock


def _lock(architecture: str = "amd64", python: str = "3.13.5-2") -> Lock:
    package = LockedPackage("python3.13-minimal", python, architecture, "debian", "pool/p.deb", 7, "aa")
    return Lock("trixie", architecture, datetime(2026, 1, 1, tzinfo=UTC), "bb", (package,))


@pytest.mark.parametrize(
    ("old", "new"),
    [('"version": "', '"version": "9'), ('"size": 7', '"size": 8'), ('"suite": "trixie"', '"suite": "sid"')],
)
def test_a_lock_edited_by_hand_is_refused(tmp_path: Path, old: str, new: str) -> None:
    source = tmp_path / "amd64.lock"
    source.write_text(render_lock(_lock()).replace(old, new), encoding="utf-8")
    with pytest.raises(LockEdited, match=r"edited by hand.*\./pants lock debian"):
        read_lock(source)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", render_lock(_lock())[:-40]])
def test_a_lock_that_is_cut_is_refused(tmp_path: Path, text: str) -> None:
    source = tmp_path / "amd64.lock"
    source.write_text(text, encoding="utf-8")
    with pytest.raises(LockEdited, match="edited by hand"):
        read_lock(source)


def test_a_missing_lock_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(LockMissing, match=r"\./pants lock debian"):
        read_lock(tmp_path / "amd64.lock")


def test_a_lock_names_no_host() -> None:
    assert "://" not in render_lock(_lock())
    assert list(json.loads(render_lock(_lock()))) == sorted(json.loads(render_lock(_lock())))


def test_the_python_version_has_no_debian_revision() -> None:
    assert _lock(python="3.13.5-2+deb13u5").python_version == "3.13.5"


def test_locks_of_two_pythons_do_not_go_together() -> None:
    check_together(_lock("amd64"), _lock("arm64"))
    with pytest.raises(LockStale, match=r"3\.13\.5-2 in the amd64 lock and 3\.13\.6-1 in the arm64"):
        check_together(_lock("amd64"), _lock("arm64", "3.13.6-1"))
