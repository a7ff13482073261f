"""What of a wheel a server never opens: it stays out of the image.

Licences, METADATA and entry points stay, so that scanners and `importlib.metadata` see what is inside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

# Sources of extension modules, and stubs for type checkers.
_SUFFIXES = frozenset({".a", ".c", ".cc", ".cpp", ".h", ".hpp", ".pxd", ".pxi", ".pyc", ".pyi", ".pyx"})
# The installer's notes: they differ from one installer to the next, and nothing is uninstalled from an image.
_INSTALLER_NOTES = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})
_TEST_FOLDERS = frozenset({"test", "tests"})
_TEST_IMPORT = re.compile(r"^\s*(?:from\s+([\w.]+)\s+import\s+([^#\n]*)|import\s+([\w.]+))", re.M)


def wanted_files(tree: Path) -> list[str]:
    """The files of a flat installation that go into an image, as sorted POSIX paths relative to `tree`."""
    every = sorted(path.relative_to(tree).as_posix() for path in tree.rglob("*") if not path.is_dir())
    kept = [path for path in every if not _is_ballast(PurePosixPath(path))]
    suites = _unused_suites(tree, kept)
    return [path for path in kept if not any(folder in suites for folder in _folders(path))]


def _is_ballast(path: PurePosixPath) -> bool:
    if path.parts[0] == "bin" or "__pycache__" in path.parts or path.suffix in _SUFFIXES:
        return True
    return path.parent.suffix == ".dist-info" and path.name in _INSTALLER_NOTES


def _unused_suites(tree: Path, files: Iterable[str]) -> set[str]:
    """Folders of tests inside packages that no module outside of tests imports from.

    Some libraries do: numpy.testing needs numpy._core.tests. Such a folder stays whole.
    """
    sources = [path for path in files if path.endswith(".py")]
    suites = {
        folder
        for path in sources
        for folder in _folders(path)
        if "/" in folder and PurePosixPath(folder).name in _TEST_FOLDERS
    }
    if not suites:
        return set()
    needed = set()
    for path in sources:
        if not any(folder in suites for folder in _folders(path)):
            text = (tree / path).read_text(encoding="utf-8", errors="replace")
            needed.update(_imported_folders(path, text))
    return {suite for suite in suites if suite not in needed}


def _imported_folders(path: str, text: str) -> set[str]:
    """Every folder on the way to a module that `text`, the source at `path`, imports and that has tests in its name."""
    found: set[str] = set()
    for origin, names, plain in _TEST_IMPORT.findall(text):
        module = plain or origin
        if not any(word in _TEST_FOLDERS for word in re.findall(r"\w+", f"{module} {names}")):
            continue
        dots = len(module) - len(module.lstrip("."))
        above = PurePosixPath(path).parts[:-dots] if dots else ()
        stem = [*above, *(part for part in module.split(".") if part)]
        for name in ["", *re.findall(r"\w+", names)]:
            target = "/".join([*stem, name]).rstrip("/")
            found.update([target, *_folders(target)])
    return found


def _folders(path: str) -> list[str]:
    return [parent.as_posix() for parent in PurePosixPath(path).parents][:-1]
