"""Writes a stack of layers as canonical tars, and refuses what no layer may hold."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from pathlib import Path

from canonical import Entry, canonical_layers, write_tar
from node_image.description import LAYER_NAMES
from node_image.errors import LayerError
from node_image.facts import Layer, layer_of, layer_path


def write_layers(stack: Iterable[Iterable[Entry]], out: Path) -> tuple[Layer, ...]:
    """Write a stack of layers, lowest first, canonically into `out`. Raises `LayerError` and `CanonicalError`."""
    out.mkdir(parents=True, exist_ok=True)
    owners: dict[str, str] = {}
    layers = []
    for name, entries in zip(LAYER_NAMES, canonical_layers(stack), strict=True):
        for entry in entries:
            _check_entry(name, entry, owners)
        path = layer_path(out, name)
        with path.open("wb") as handle:
            write_tar(entries, handle)
        layers.append(layer_of(name, path))
    return tuple(layers)


def _check_entry(name: str, entry: Entry, owners: dict[str, str]) -> None:
    if entry.kind == "symlink":
        return
    if entry.kind == "file" and owners.setdefault(entry.path, name) != name:
        raise LayerError(f"{entry.path} is in the layers {owners[entry.path]} and {name}: a file has one place")
    sticky_folder = entry.kind == "dir" and entry.mode & stat.S_ISVTX
    if entry.mode & stat.S_IWOTH and not sticky_folder:
        raise LayerError(f"{entry.path} in the layer {name} can be written by everyone (mode {entry.mode:o})")
