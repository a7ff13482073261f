"""Lays out, as folders on disk, what the three upper layers bring to the file system."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from base_image import bytecode
from canonical import Entry, json_text, tree_entries
from node_image.audit import INVENTORY, take_inventory
from node_image.description import APP, DIST_PACKAGES
from node_image.elf import strip
from node_image.errors import ElfError
from node_image.sources import FirstParty, entry_source, shipped_files
from noderr.types import ImageManifest

Compiler = Callable[[Path, str], None]
"""Compiles the bytecode of a tree in place; the second argument is where the tree will be in the image."""

_LISTS = "usr/share/noderr"


def base_compiler(base: Path, work: Path) -> Compiler:
    """Compiles with the Python of the root file system in the tar `base`, unpacked into `work`."""
    interpreter = bytecode.BaseInterpreter.from_rootfs_tar(base, work)
    return lambda tree, prefix: bytecode.compile_tree(interpreter, tree, runtime_prefix=prefix)


def stage_distributions(
    root: Path, tree: Path, files: Iterable[str], versions: Mapping[str, str], *, name: str, compile_tree: Compiler
) -> None:
    """Lay out `files` of the flat installation `tree` below `root`, stripped and compiled.

    The list `usr/share/noderr/<name>.json` says which distributions they are; with it no layer is ever empty.
    """
    target = root / DIST_PACKAGES
    target.mkdir(parents=True)
    for path in files:
        _copy(tree / path, target / path)
    compile_tree(target, f"/{DIST_PACKAGES}")
    _write(root / _LISTS / f"{name}.json", json_text({"distributions": dict(sorted(versions.items()))}))


def stage_sources(
    root: Path, sources: Path, manifest: ImageManifest, manifest_text: str, *, entry_point: str, compile_tree: Compiler
) -> None:
    """Lay out the first-party code below `root`, with the manifest and a `__main__.py` that calls `entry_point`."""
    target = root / APP.strip("/")
    for path in shipped_files(sources):
        _copy(sources / path, target / path)
    _write(target / manifest.folder / manifest.file_name, manifest_text)
    _write(target / "__main__.py", entry_source(manifest, entry_point))
    compile_tree(target, APP)


def stage_inventory(
    root: Path, parts: Iterable[Path], manifest: ImageManifest, architecture: str, found: FirstParty
) -> None:
    """Write the inventory of the image below `root`. `parts` are the staged layers, together all but the base."""
    whole = root.with_name("whole")
    for part in parts:
        shutil.copytree(part, whole, symlinks=True, dirs_exist_ok=True, copy_function=_link)
    inventory = take_inventory(whole)
    document = {
        **inventory,
        "name": manifest.name,
        "manifest": f"{manifest.folder}/{manifest.file_name}",
        "architecture": architecture,
        "missing": list(found.missing),
    }
    _write(root / INVENTORY, json.dumps(document, sort_keys=True, indent=2) + "\n")


def staged_entries(root: Path) -> list[Entry]:
    """The entries of a staged layer."""
    return list(tree_entries(root))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        target.symlink_to(source.readlink())
        return
    try:
        target.write_bytes(strip(source.read_bytes()))
    except ElfError as error:
        raise ElfError(f"{source}: {error}") from error


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


def _write(target: Path, text: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
