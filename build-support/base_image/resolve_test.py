from __future__ import annotations

import re

import pytest
from debian.deb822 import Packages

from base_image.archive import Candidate
from base_image.errors import DependencyError
from base_image.package_list import PackageList
from base_image.resolve import resolve


def _candidate(name: str, version: str = "1.0", archive: str = "debian", **fields: str) -> Candidate:
    known = {"Package": name, "Version": version, "Architecture": "amd64", "Size": "5", "SHA256": "aa", **fields}
    return Candidate(archive, Packages({**known, "Filename": f"pool/{name}_{version}.deb"}))


def _list(*packages: str, excluded: tuple[str, ...] = ()) -> PackageList:
    return PackageList(dict.fromkeys(packages, "why"), dict.fromkeys(excluded, "why"), "digest")


def _refused(listed: PackageList, *candidates: Candidate) -> str:
    with pytest.raises(DependencyError) as caught:
        resolve(listed, candidates)
    return str(caught.value)


def test_the_newest_version_of_all_suites_is_taken() -> None:
    offered = [_candidate("libc6", "2.41-9"), _candidate("libc6", "2.41-12+deb13u1", "debian-security")]
    (package,) = resolve(_list("libc6"), offered)
    assert (package.version, package.archive) == ("2.41-12+deb13u1", "debian-security")


def test_nothing_is_pulled_in() -> None:
    offered = [_candidate("tzdata", Depends="debconf"), _candidate("debconf")]
    assert [package.name for package in resolve(_list("tzdata", excluded=("debconf",)), offered)] == ["tzdata"]


def test_a_dependency_that_is_neither_listed_nor_excluded_is_told() -> None:
    message = _refused(
        _list("libssl3t64"), _candidate("libssl3t64", Depends="libzstd1 (>= 1.5.5)", **{"Pre-Depends": "a | b"})
    )
    assert "libssl3t64 depends on libzstd1 (>= 1.5.5): list it, or exclude it with a reason" in message
    assert "libssl3t64 depends on a | b" in message


def test_a_listed_package_too_old_for_another_is_told() -> None:
    message = _refused(_list("a", "b"), _candidate("a", Depends="b (>= 2)"), _candidate("b", "1.9"))
    assert "a depends on b (>= 2)" in message


def test_one_alternative_or_one_provider_is_enough() -> None:
    offered = [
        _candidate("a", Depends="mail-agent | b, virtual, c (= 1:2-3)"),
        _candidate("b", Provides="virtual"),
        _candidate("c", "1:2-3"),
    ]
    assert len(resolve(_list("a", "b", "c"), offered)) == 3


def test_a_package_that_debian_has_not_is_told() -> None:
    assert re.search(r"libffi9 is listed and Debian has no package of that name", _refused(_list("libffi9")))


def test_an_exclusion_that_nothing_needs_is_told() -> None:
    message = _refused(_list("a", excluded=("awk",)), _candidate("a"))
    assert "awk is excluded and no listed package depends on it: remove the line" in message
