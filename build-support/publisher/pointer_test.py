from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.types import Version
from publisher.errors import ObjectDamaged
from publisher.metadata import ARCHITECTURES, Architecture
from publisher.pointer import Candidate, Entry, Pointer, Policy, decide, parse_pointer

NOW = "2026-05-06T07:08:09Z"


def _candidate(version: str, *architectures: Architecture) -> Candidate:
    entries = {
        name: Entry(
            file=f"oracle-{version}.tar.gz",
            path=f"oracle/oracle-{version}.tar.gz",
            size=1,
            sha256="a" * 64,
            tar_sha256="b" * 64,
            image_id="sha256:" + "c" * 64,
            manifest="sha256:" + "d" * 64,
        )
        for name in architectures or ("amd64",)
    }
    return Candidate("oracle", version, "revision", NOW, entries)


def _pointer(version: str, *architectures: Architecture) -> Pointer:
    return decide(None, _candidate(version, *architectures), Policy(), NOW).pointer


def test_first_version_becomes_latest() -> None:
    decision = decide(None, _candidate("0.1.0"), Policy(), NOW)
    assert (decision.moves, decision.pointer.version, decision.pointer.sequence) == (True, "0.1.0", 1)


def test_newer_version_becomes_latest() -> None:
    decision = decide(_pointer("0.9.0"), _candidate("0.10.0"), Policy(), NOW)
    assert (decision.moves, decision.pointer.version, decision.pointer.sequence) == (True, "0.10.0", 2)


def test_same_version_moves_nothing() -> None:
    current = _pointer("0.1.0")
    decision = decide(current, _candidate("0.1.0"), Policy(allow_rollback=True), "2027-01-01T00:00:00Z")
    assert (decision.moves, decision.pointer) == (False, current)


def test_older_version_does_not_move_latest_back() -> None:
    current = _pointer("0.2.0")
    decision = decide(current, _candidate("0.1.9"), Policy(), NOW)
    assert (decision.moves, decision.pointer) == (False, current)
    assert "--allow-rollback" in decision.reason


def test_rollback_moves_back_and_the_sequence_forward() -> None:
    decision = decide(_pointer("0.2.0"), _candidate("0.1.9"), Policy(allow_rollback=True), NOW)
    assert (decision.moves, decision.pointer.version, decision.pointer.sequence) == (True, "0.1.9", 2)


def test_pre_release_does_not_replace_a_release() -> None:
    assert not decide(_pointer("1.0.0"), _candidate("1.1.0-rc.1"), Policy(), NOW).moves
    assert decide(_pointer("1.1.0-rc.1"), _candidate("1.1.0-rc.2"), Policy(), NOW).moves
    assert decide(_pointer("1.1.0-rc.2"), _candidate("1.1.0"), Policy(), NOW).moves


def test_latest_never_loses_an_architecture_unasked() -> None:
    current = _pointer("0.1.0", "amd64", "arm64")
    decision = decide(current, _candidate("0.2.0", "arm64"), Policy(), NOW)
    assert (decision.moves, decision.pointer) == (False, current)
    assert "latest has amd64" in decision.reason
    assert decide(current, _candidate("0.2.0", "arm64"), Policy(allow_missing_architecture=True), NOW).moves


def test_new_architecture_of_the_latest_version_is_added() -> None:
    decision = decide(_pointer("0.1.0", "amd64"), _candidate("0.1.0", "amd64", "arm64"), Policy(), NOW)
    assert decision.moves
    assert list(decision.pointer.architectures) == ["amd64", "arm64"]


def test_pointer_survives_its_own_bytes() -> None:
    pointer = _pointer("0.1.0", *ARCHITECTURES)
    assert parse_pointer(pointer.content().read(), "oracle/latest.json") == pointer


@pytest.mark.parametrize("data", [b"", b"{}", b'{"schema":1}', b"[]"])
def test_unreadable_pointer_is_named(data: bytes) -> None:
    with pytest.raises(ObjectDamaged, match=r"oracle/latest.json is not readable"):
        parse_pointer(data, "oracle/latest.json")


VERSIONS = st.builds(
    lambda numbers, pre: ".".join(map(str, numbers)) + (f"-rc.{pre}" if pre else ""),
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2)),
    st.integers(0, 2),
)


@given(
    st.lists(
        st.tuples(
            VERSIONS,
            st.sets(st.sampled_from(ARCHITECTURES), min_size=1),
            st.builds(Policy, st.booleans(), st.booleans()),
        ),
        max_size=12,
    )
)
def test_sequence_only_grows_and_the_version_only_with_leave_goes_back(publishes: list[Any]) -> None:
    current: Pointer | None = None
    for version, architectures, policy in publishes:
        decision = decide(current, _candidate(version, *architectures), policy, NOW)
        if current is not None:
            assert decision.pointer.sequence == current.sequence + decision.moves
            if not policy.allow_rollback:
                assert Version(decision.pointer.version) >= Version(current.version)
            if not policy.allow_missing_architecture:
                assert set(decision.pointer.architectures) >= set(current.architectures)
            if not decision.moves:
                assert decision.pointer == current
        current = decision.pointer
