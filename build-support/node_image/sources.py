"""The first-party code of an image: which files go in, and whether they are what the manifest lists."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from node_image.errors import ForeignPackageError, SourcesError, UnusedPackageError
from noderr.types import ImageManifest

NAMESPACE = "noderr"
_NOT_SHIPPED = frozenset({"BUILD", "README.md", "conftest.py"})


@dataclass(frozen=True)
class FirstParty:
    """The listed packages that the image carries, and those that do not exist yet; in the manifest's order."""

    present: tuple[str, ...]
    missing: tuple[str, ...]


def shipped_files(sources: Path) -> list[str]:
    """The files below `sources` for an image, as sorted POSIX paths: no tests, benchmarks, caches or BUILD files."""
    every = (path.relative_to(sources) for path in sources.rglob("*") if not path.is_dir())
    return sorted(path.as_posix() for path in every if _is_shipped(PurePosixPath(path)))


def check_sources(manifest: ImageManifest, sources: Path, existing: Collection[str]) -> FirstParty:
    """Compare the files below `sources` with the manifest. `existing` names every package that the repository has.

    Raises `ForeignPackageError`, `UnusedPackageError` or `SourcesError`, naming every package of that kind.
    """
    files = shipped_files(sources)
    _check_places(manifest, files)
    found = {_package(path) for path in files if path.startswith(f"{NAMESPACE}/")}
    foreign = sorted(found - set(manifest.packages))
    if foreign:
        raise ForeignPackageError("; ".join(_foreign(manifest, name, sources, files) for name in foreign))
    there = {name.replace("_", "-") for name in existing}
    unused = [name for name in manifest.packages if name in there and name not in found]
    if unused:
        raise UnusedPackageError(
            f"{_source(manifest)} lists {', '.join(unused)}, but no service uses it: start it in "
            f"{manifest.repository_folder}/{manifest.start_file} or take it off the list"
        )
    present = tuple(name for name in manifest.packages if name in found)
    return FirstParty(present, tuple(name for name in manifest.packages if name not in found))


def entry_source(manifest: ImageManifest, entry_point: str) -> str:
    """The `__main__.py` of an image, which calls `entry_point` (`module:function`)."""
    module, separator, function = entry_point.partition(":")
    names = [*module.split("."), function]
    example = f"{manifest.folder}/{manifest.start_file}".removesuffix(".py").replace("/", ".") + ":main"
    if not separator or not all(name.isidentifier() for name in names):
        raise SourcesError(f"entry {entry_point!r}: write module:function, for example {example}")
    return (
        f'"""Starts the {manifest.name} {manifest.noun}; `python -I` on the folder of this file runs it."""\n\n'
        f"import sys\n\nfrom {module} import {function}\n\n"
        f'if __name__ == "__main__":\n    sys.exit({function}())\n'
    )


def _is_shipped(path: PurePosixPath) -> bool:
    if "__pycache__" in path.parts or path.suffix in (".pyc", ".pyi"):
        return False
    return path.name not in _NOT_SHIPPED and not path.name.endswith(("_test.py", "_bench.py"))


def _source(manifest: ImageManifest) -> str:
    return f"{manifest.repository_folder}/{manifest.file_name}"


def _package(path: str) -> str:
    return path.split("/")[1].removesuffix(".py").replace("_", "-")


def _check_places(manifest: ImageManifest, files: Iterable[str]) -> None:
    own = f"{manifest.folder}/"
    for path in files:
        if path == f"{NAMESPACE}/__init__.py":
            raise SourcesError(f"{path}: {NAMESPACE} is a namespace package and has no __init__.py; remove the file")
        if path.startswith("tiers/") and not path.startswith(own):
            raise SourcesError(
                f"{path} belongs to another image than {manifest.name}: import what both need from a package"
            )
        if not path.startswith((f"{NAMESPACE}/", own)) and path != "VERSION":
            raise SourcesError(f"{path}: this image holds {NAMESPACE}/…, {own}… and VERSION only")


def _foreign(manifest: ImageManifest, name: str, sources: Path, files: Iterable[str]) -> str:
    module = f"{NAMESPACE}.{name.replace('-', '_')}"
    folder = module.replace(".", "/")
    importers = [
        path
        for path in files
        if path.endswith(".py") and not path.startswith(folder) and _imports(sources / path, module)
    ]
    because = f"imported by {', '.join(importers)}" if importers else "which nothing here imports by name"
    return f"package {name} ({because}) is not in {_source(manifest)}: drop the import, or list the package"


def _imports(source: Path, module: str) -> bool:
    parent, _, last = module.rpartition(".")
    for node in ast.walk(ast.parse(source.read_bytes())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{parent}.{alias.name}" for alias in node.names if node.module == parent)]
        else:
            continue
        if any(f"{name}.".startswith(f"{parent}.{last}.") for name in names):
            return True
    return False
