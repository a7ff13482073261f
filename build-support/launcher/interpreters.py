"""Find Python 3.9 (for Pants) and 3.13 (for the product), or have uv install them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from launcher.errors import MissingInterpreter, PackageIndexError
from launcher.machine import cache_root, locked, replace, run, say

PANTS_PYTHON = "3.9"
PRODUCT_PYTHON = "3.13"


def find(version: str) -> Path | None:
    """A CPython `version` on PATH, under pyenv, or installed by an earlier run of ours."""
    for candidate in _candidates(version):
        if _answers(candidate, version):
            return candidate
    return None


def provide(version: str, uv: Path) -> Path:
    """`find`, remembered between runs; else let uv install it. Raises `MissingInterpreter`."""
    memory = cache_root() / "interpreters.json"
    known = _remembered(memory)
    if version in known and Path(known[version]).exists():
        return Path(known[version])
    with locked(cache_root()):
        found = find(version) or _install(version, uv)
        replace(memory, json.dumps({**_remembered(memory), version: str(found)}, indent=1).encode())
    return found


def _remembered(memory: Path) -> dict[str, str]:
    try:
        content = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # A first run, or a file that a crash tore: both mean that nothing is known yet.
        return {}
    return dict(content)


def _candidates(version: str) -> Iterator[Path]:
    name = f"python{version}"
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        # A pyenv shim answers only for the versions its user has switched on: look behind it, below.
        if folder and not folder.endswith("/shims"):
            yield Path(folder, name)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for base in (pyenv / "versions", cache_root() / "pythons"):
        yield from sorted(base.glob(f"*{version}*/bin/{name}"), reverse=True)


def _answers(candidate: Path, version: str) -> bool:
    if not os.access(candidate, os.X_OK):
        return False
    code = "import ensurepip, ssl, sys, venv; print('%d.%d' % sys.version_info[:2], sys.implementation.name)"
    done = subprocess.run([str(candidate), "-I", "-c", code], capture_output=True, text=True, check=False)
    return done.returncode == 0 and done.stdout.split() == [version, "cpython"]


def _install(version: str, uv: Path) -> Path:
    say(f"installing Python {version} (none on PATH or under pyenv)")
    home = cache_root() / "pythons"
    try:
        run([uv, "python", "install", "--no-bin", "--install-dir", home, version], doing=f"Installing Python {version}")
    except PackageIndexError as error:
        raise MissingInterpreter(
            f"Python {version} is neither on PATH nor under pyenv, and uv could not install it. Install Python "
            f"{version} (with its venv and ssl modules) and run this again.\n{error}"
        ) from error
    found = find(version)
    if not found:
        raise MissingInterpreter(f"uv installed Python {version} below {home}, but it does not start there.")
    return found
