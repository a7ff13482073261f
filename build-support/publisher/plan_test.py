from __future__ import annotations

import pytest

from publisher.errors import ObjectDamaged, VersionAlreadyPublished
from publisher.plan import plan
from publisher.store import Content, Seen
from publisher.wants import Kind, Want

CONTENT = Content.of(b"ours")


def _want(key: str, kind: Kind, source: Content | str | None = CONTENT) -> Want:
    return Want(key, kind, CONTENT.sha256, CONTENT.size, "text/plain", source)


THERE = Seen(CONTENT.sha256, "etag")
OTHER = Seen("0" * 64, "other-etag")


def test_what_is_there_is_not_written_again() -> None:
    assert plan([_want("a", "versioned"), _want("b", "replaceable")], {"a": THERE, "b": THERE}) == []


def test_steps_keep_the_order_of_the_wants() -> None:
    steps = plan([_want("a", "versioned"), _want("b", "copy", "a"), _want("c", "replaceable")], {"c": OTHER})
    assert [(step.action, step.want.key, step.etag) for step in steps] == [
        ("upload", "a", None),
        ("copy", "b", None),
        ("replace", "c", "other-etag"),
    ]


def test_one_key_is_written_once() -> None:
    assert len(plan([_want("a", "addressed"), _want("a", "addressed")], {})) == 1


def test_other_bytes_of_a_version_are_refused_before_the_first_step() -> None:
    with pytest.raises(VersionAlreadyPublished, match="bump VERSION") as raised:
        plan([_want("a", "versioned"), _want("b", "versioned")], {"b": OTHER})
    assert (raised.value.key, raised.value.ours_sha256, raised.value.theirs_sha256) == ("b", CONTENT.sha256, "0" * 64)


def test_addressed_object_with_other_bytes_is_damaged() -> None:
    with pytest.raises(ObjectDamaged, match="a must have"):
        plan([_want("a", "addressed")], {"a": OTHER})


@pytest.mark.parametrize("seen", [{}, {"a": OTHER}], ids=["gone", "changed"])
def test_what_must_be_there_is(seen: dict[str, Seen]) -> None:
    with pytest.raises(ObjectDamaged, match=r"^a "):
        plan([_want("a", "versioned", None)], seen)
