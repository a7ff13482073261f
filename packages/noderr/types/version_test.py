from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.types import Version

# The order that https://semver.org gives as its example.
ORDERED = [
    "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
    "1.0.0", "1.9.0", "1.10.0", "2.0.0",
]  # fmt: skip


def test_order_is_that_of_semver_org() -> None:
    assert [str(found) for found in sorted(map(Version, reversed(ORDERED)))] == ORDERED


@pytest.mark.parametrize(
    "text", ["", "1", "1.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0+build", "v1.0.0", "1.0.0\n", "latest"]
)
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="MAJOR"):
        Version(text)


@given(st.tuples(*[st.integers(0, 10**6)] * 3), st.tuples(*[st.integers(0, 10**6)] * 3))
def test_releases_compare_as_numbers(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    texts = [".".join(map(str, parts)) for parts in (left, right)]
    assert (Version(texts[0]) < Version(texts[1])) == (left < right)
