from __future__ import annotations

import pytest

from canonical import CanonicalLayerError, Entry, canonical_layers

BASE = [
    Entry("usr", "dir", 0o755),
    Entry("data", "dir", 0o750, 1001, 1001),
    Entry("usr/x", "file", 0o644, content=b"x"),
]
LIBRARY = [Entry("usr/lib", "dir", 0o755), Entry("usr/lib/y", "file", 0o644, content=b"y")]


def _paths(*layers: list[Entry]) -> list[list[str]]:
    return [[entry.path for entry in layer] for layer in canonical_layers(layers)]


def test_ancestors_are_there_whether_an_engine_says_them_or_not() -> None:
    said = [Entry("usr", "dir", 0o755), *LIBRARY]
    assert list(canonical_layers([BASE, said])) == list(canonical_layers([BASE, LIBRARY]))
    assert _paths(BASE, LIBRARY)[1] == ["usr", "usr/lib", "usr/lib/y"]


def test_a_directory_that_was_only_touched_is_left_out() -> None:
    touched = [*LIBRARY, Entry("data", "dir", 0o750, 1001, 1001)]
    assert _paths(BASE, touched)[1] == ["usr", "usr/lib", "usr/lib/y"]


def test_new_and_changed_directories_stay() -> None:
    changed = [Entry("data", "dir", 0o700, 1001, 1001), Entry("empty", "dir", 0o755)]
    assert _paths(BASE, changed)[1] == ["data", "empty"]


def test_an_ancestor_has_the_owner_and_mode_of_the_merged_file_system() -> None:
    [_, layer] = canonical_layers([BASE, [Entry("data/z", "file", 0o644)]])
    assert layer[0] == Entry("data", "dir", 0o750, 1001, 1001)


def test_canonical_layers_are_their_own_canonical_form() -> None:
    once = list(canonical_layers([BASE, LIBRARY, [Entry("opt/a/b", "file", 0o644)]]))
    assert list(canonical_layers(once)) == once


def test_a_deletion_is_refused() -> None:
    with pytest.raises(CanonicalLayerError, match=r"layer 2: usr/\.wh\.x deletes"):
        _paths(BASE, [Entry("usr/.wh.x", "file", 0o644)])


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (Entry("usr", "symlink", 0o777, target="x"), "usr is no directory"),
        (Entry("usr/x", "dir", 0o755), "usr/x is a directory"),
        (Entry("usr/x/below", "file", 0o644), "usr/x is a directory"),
    ],
)
def test_file_and_directory_of_one_name_are_refused(entry: Entry, reason: str) -> None:
    with pytest.raises(CanonicalLayerError, match=f"layer 2: {reason}"):
        _paths(BASE, [entry])
