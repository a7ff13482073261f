"""The engine builds what the assembler assembles, byte for byte, and rebuilds no more than it must."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from canonical import Entry, write_tar
from node_image.audit import DIST_PACKAGES, INVENTORY, take_inventory
from node_image.description import APP
from node_image.normalise import normalise
from tests.image.archives import Archive
from tests.image.engine import BUILDERS, EngineError, build, docker, inspect

CODE = APP.strip("/")
FOREIGN = "package ml is ours, but tiers/guardian/tier.toml does not list it"


def _normalised_sha256(archive: Archive, image: str, folder: Path) -> str:
    docker("save", "--output", str(folder / "saved.tar"), image)
    archive.facts().write(folder)
    written = normalise(folder / "saved.tar", folder / "image.json", archive.tools(), folder / "out")
    assert written.metadata == archive.metadata
    assert written.archive.read_bytes() == archive.path.read_bytes()
    return str(written.metadata["archive"]["sha256"])


@pytest.mark.parametrize("builder", BUILDERS)
def test_engine_and_assembler_agree(engine: None, archive: Archive, builder: str, name: str, tmp_path: Path) -> None:
    build(archive.build_context(tmp_path / "context"), name, builder, archive.build_arguments())
    assert _normalised_sha256(archive, name, tmp_path) == archive.metadata["archive"]["sha256"]


def test_what_was_loaded_is_saved_with_the_same_bytes(archive: Archive, image: str, tmp_path: Path) -> None:
    assert _normalised_sha256(archive, image, tmp_path) == archive.metadata["archive"]["sha256"]


def _edit(archive: Archive, context: Path, path: str, content: bytes, *, tell_inventory: bool) -> None:
    """Add a file of code to the source layer of a build context."""
    entries = {entry.path: entry for entry in archive.entries("source")}
    entries[path] = Entry(path, "file", 0o644, content=content)
    if tell_inventory:
        # The file system as the audit will see it, apart from the base.
        for layer in (archive.entries("shared"), archive.entries("own"), list(entries.values())):
            for entry in layer:
                if entry.kind == "file":
                    target = context / "root" / entry.path
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(entry.read())
        inventory = {**json.loads(entries[INVENTORY].read()), **take_inventory(context / "root")}
        entries[INVENTORY] = Entry(INVENTORY, "file", 0o644, content=json.dumps(inventory).encode())
    source = archive.layers_folder(context) / "source.tar"
    source.unlink()  # A hard link: the archive's own must stay as it is.
    with source.open("wb") as handle:
        write_tar(entries.values(), handle)


@pytest.mark.parametrize("builder", BUILDERS)
def test_one_source_edit_changes_last_layer_only(
    engine: None, opened: Callable[[str], Archive], builder: str, name: str, tmp_path: Path
) -> None:
    archive = opened("guardian")
    context = archive.build_context(tmp_path / "context")
    build(context, f"{name}:before", builder, archive.build_arguments())
    _edit(archive, context, f"{CODE}/noderr/core/added.py", b"VALUE = 1\n", tell_inventory=True)
    build(context, f"{name}:after", builder, archive.build_arguments())
    before, after = (inspect("image", f"{name}:{tag}")["RootFS"]["Layers"] for tag in ("before", "after"))
    assert before[:3] == after[:3]
    assert before[3] != after[3]
    assert len(before) == len(after) == 4


@pytest.mark.parametrize(
    ("builder", "path", "reason"),
    [
        ("buildkit", f"{CODE}/noderr/ml/__init__.py", FOREIGN),
        ("legacy", f"{CODE}/noderr/ml/__init__.py", FOREIGN),
        ("buildkit", f"{DIST_PACKAGES}/stowaway.py", "trees differs from the inventory"),
        ("buildkit", "usr/bin/sh", "/usr/bin/sh is a shell"),
    ],
)
def test_a_failed_audit_fails_the_build(
    engine: None, opened: Callable[[str], Archive], builder: str, path: str, reason: str, name: str, tmp_path: Path
) -> None:
    archive = opened("guardian")
    context = archive.build_context(tmp_path / "context")
    _edit(archive, context, path, b"VALUE = 1\n", tell_inventory=False)
    with pytest.raises(EngineError, match=reason):
        build(context, name, builder, archive.build_arguments())
