"""From unpacked packages to the entries of the root file system. No network, and nothing of the host."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from base_image.bytecode import BaseInterpreter, compile_tree
from base_image.certificates import certificate_entries
from base_image.errors import PackageContentError
from base_image.files import write_tree
from base_image.layout import STDLIB, Architecture
from base_image.system_files import status_entries, system_entries
from base_image.trim import trim
from base_image.unpack import UnpackedPackage
from canonical import Entry, tree_entries, with_parents


def interpreter_of(packages: Iterable[UnpackedPackage], root: Path) -> BaseInterpreter:
    """Unpack whole packages of this machine's architecture into `root`, and take the Python there."""
    write_tree(_merged(packages).values(), root)
    return BaseInterpreter.from_directory(root)


def assemble(
    packages: Sequence[UnpackedPackage], architecture: Architecture, interpreter: BaseInterpreter
) -> list[Entry]:
    """The base image: trimmed packages, the standard library as bytecode, and the system's own files."""
    merged = _merged(packages)
    kept = trim(merged.values(), architecture)
    library = [entry for entry in kept if entry.path.endswith(".py") and entry.path.startswith(f"{STDLIB}/")]
    sources = {entry.path for entry in library}
    return with_parents(
        [
            *(entry for entry in kept if entry.path not in sources),
            *_bytecode(library, interpreter),
            *certificate_entries(merged.values()),
            *system_entries(architecture),
            *status_entries(packages),
        ]
    )


def _bytecode(library: Sequence[Entry], interpreter: BaseInterpreter) -> Iterator[Entry]:
    """The standard library compiled, without its sources: both together would be 2.5 MB more to download.

    Tracebacks keep file and line number of the library's frames and lose their text.
    """
    with tempfile.TemporaryDirectory(prefix="nodeos-stdlib-") as folder:
        tree = Path(folder)
        write_tree(({entry.path: entry for entry in library}).values(), tree)
        compile_tree(interpreter, tree / STDLIB, runtime_prefix=f"/{STDLIB}", beside_sources=True)
        for entry in tree_entries(tree):
            if entry.path.endswith(".pyc"):
                yield Entry(entry.path, "file", 0o644, content=entry.read())


def _merged(packages: Iterable[UnpackedPackage]) -> dict[str, Entry]:
    """All files by path. Raises `PackageContentError` when two packages bring one path with different content."""
    found: dict[str, tuple[Entry, str]] = {}
    for package in packages:
        for entry in package.entries:
            known, owner = found.setdefault(entry.path, (entry, package.locked.name))
            if known != entry:
                raise PackageContentError(
                    f"{entry.path} is in package {owner} and, different, in {package.locked.name}: list one of them."
                )
    return {path: entry for path, (entry, _owner) in found.items()}
