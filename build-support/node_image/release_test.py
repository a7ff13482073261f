from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_image.errors import ReleaseError
from node_image.release import CREATED_LABEL, VERSION_LABEL, Release, release_of


@pytest.mark.parametrize("version", ["0.1.0", "1.4.0", "10.20.30", "1.5.0-rc.1", "1.0.0-alpha", "1.0.0-0a"])
def test_semantic_versions_are_taken(version: str) -> None:
    assert Release(version, "abc", 0).version == version


@pytest.mark.parametrize(
    "version", ["", "1.4", "v1.4.0", "1.4.0.1", "01.4.0", "1.4.0+build", "1.4.0-01", "1.4.0\n", "latest"]
)
def test_a_version_that_is_no_semver_is_refused(version: str) -> None:
    with pytest.raises(ReleaseError, match="is no semantic version: write MAJOR.MINOR.PATCH"):
        Release(version, "abc", 0)


def test_a_version_that_reads_like_an_architecture_is_refused() -> None:
    with pytest.raises(ReleaseError, match=r"'1\.0\.0-arm64' must not end with the name of an architecture"):
        Release("1.0.0-arm64", "abc", 0)


@pytest.mark.parametrize(("revision", "created"), [(" ", 0), ("abc", -1), ("abc", 10**12)])
def test_a_revision_or_time_that_is_none_is_refused(revision: str, created: int) -> None:
    with pytest.raises(ReleaseError, match=r"revision is empty|created = "):
        Release("1.0.0", revision, created)


def test_the_time_is_written_in_utc() -> None:
    assert Release("1.0.0", "abc", 1_760_000_000).created == "2025-10-09T08:53:20Z"


@given(st.integers(0, 253_402_300_799), st.text(st.characters(codec="ascii"), min_size=1).filter(str.strip))
def test_labels_say_the_whole_release(created: int, revision: str) -> None:
    release = Release("1.2.3-rc.1", revision, created)
    assert release_of(release.labels) == release


def test_an_image_without_a_label_is_refused() -> None:
    with pytest.raises(ReleaseError, match=f"the image has no label {VERSION_LABEL}"):
        release_of({})


def test_an_unreadable_time_is_refused() -> None:
    labels = {**Release("1.0.0", "abc", 0).labels, CREATED_LABEL: "yesterday"}
    with pytest.raises(ReleaseError, match="'yesterday': write it like"):
        release_of(labels)
