"""The one form of a stack of image layers, whoever made the stack.

Engines differ in what a layer says beside the files it brings: one repeats every directory on the way, another only
those it made, a third all it touched. So both the assembler and the normaliser keep exactly this of a layer: what is
no directory, the directories above it, and the directories that are new in it or change owner or mode. A directory
has the owner and mode that the merged file system has at that point.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from canonical.errors import CanonicalLayerError
from canonical.tar import Entry

_WHITEOUT = ".wh."


def canonical_layers(layers: Iterable[Iterable[Entry]]) -> Iterator[list[Entry]]:
    """The entries of each layer, lowest layer first, in canonical form and sorted by path.

    Raises `CanonicalLayerError` when a layer deletes something or puts a file where a lower layer has a directory:
    NodeOS layers only add.
    """
    directories: dict[str, Entry] = {}
    others: set[str] = set()
    for number, layer in enumerate(layers, start=1):
        entries = {entry.path: entry for entry in layer}
        told = {path: entry for path, entry in entries.items() if entry.kind == "dir"}
        brought = {path: entry for path, entry in entries.items() if entry.kind != "dir"}
        keep = {path for path, entry in told.items() if directories.get(path) != entry}
        for path in entries:
            for parent in _parents(path):
                if parent not in told and parent not in directories:
                    told[parent] = Entry(parent, "dir", 0o755)
                    keep.add(parent)
        _refuse_deletions(number, brought, told, directories, others)
        for path in [*brought, *keep]:
            keep.update(_parents(path))
        directories.update(told)
        others.update(brought)
        yield sorted([*brought.values(), *(directories[path] for path in keep)], key=lambda entry: entry.path)


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def _refuse_deletions(
    number: int, brought: dict[str, Entry], told: dict[str, Entry], directories: dict[str, Entry], others: set[str]
) -> None:
    for path in brought:
        if path.rpartition("/")[2].startswith(_WHITEOUT):
            raise CanonicalLayerError(f"layer {number}: {path} deletes a file of a lower layer; leave it out there")
        if path in directories:
            raise CanonicalLayerError(f"layer {number}: {path} is no directory, but a lower layer has one there")
    for path in told:
        if path in others:
            raise CanonicalLayerError(f"layer {number}: {path} is a directory, but a lower layer has a file there")
