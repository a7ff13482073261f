"""The committed locks: names, versions and hashes, and no host.

`3rdparty/python/<name>.txt` is what a person writes, `<name>.lock` what `./pants lock` makes of it. The lock's first
lines carry the digest of the list and of the lock's own body, so that a stale or hand-edited one is found at once.
Pants wants a Pex lock, which names download addresses: `derived.py` makes it from the committed one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from launcher.errors import StaleLock


@dataclass(frozen=True)
class Resolve:
    """One set of requirements that is solved together."""

    name: str
    python: str
    """Pythons the lock must hold for, as a Pex interpreter constraint."""
    lowest_python: str
    pip: str
    """The pip that builds what has no wheel: the newest that runs on all those Pythons."""


PRODUCT = Resolve("product", "==3.13.*", "3.13", "25.3")
TOOLS = Resolve("tools", "==3.13.*", "3.13", "25.3")
PLUGIN = Resolve("plugin", "==3.9.*", "3.9", "24.2")
LAUNCHER = Resolve("launcher", ">=3.9", "3.9", "25.3")

PANTS_RESOLVES = (PRODUCT, TOOLS, PLUGIN)
ALL_RESOLVES = (*PANTS_RESOLVES, LAUNCHER)

_PREFIX = {"inputs": "# inputs: sha256:", "body": "# body: sha256:"}


def folder(root: Path) -> Path:
    """Where lists and locks live."""
    return root / "3rdparty" / "python"


def render(inputs: bytes, body: str, name: str) -> str:
    """The committed form of a lock."""
    return (
        f"# Names, versions and hashes; made by `./pants lock {name}`, never by hand.\n"
        f"{_PREFIX['inputs']}{_digest(inputs)}\n{_PREFIX['body']}{_digest(body.encode())}\n{body}"
    )


def read(root: Path, resolve: Resolve, *, allow_older: bool = False) -> str:
    """The body of a committed lock, checked. Raises `StaleLock` with the command that mends it.

    `allow_older` is for that command itself, which needs a uv to make the new lock with.
    """
    path = folder(root) / f"{resolve.name}.lock"
    command = f"Run `./pants lock {resolve.name}` and commit the result."
    if not path.exists():
        raise StaleLock(f"{path.relative_to(root)} is missing. {command}")
    lines = path.read_text(encoding="utf-8").split("\n", 3)
    if len(lines) < 4 or not (lines[1].startswith(_PREFIX["inputs"]) and lines[2].startswith(_PREFIX["body"])):
        raise StaleLock(f"{path.relative_to(root)} has lost its first lines. {command}")
    if lines[2] != _PREFIX["body"] + _digest(lines[3].encode()):
        raise StaleLock(f"{path.relative_to(root)} was edited by hand: edit {resolve.name}.txt instead. {command}")
    if not allow_older and lines[1] != _PREFIX["inputs"] + _digest(path.with_suffix(".txt").read_bytes()):
        raise StaleLock(f"{path.relative_to(root)} is older than {resolve.name}.txt. {command}")
    return lines[3]


def pinned(body: str, project: str) -> tuple[str, list[str]]:
    """The version of `project` in a lock's body, and its requirement with hashes as pip reads it."""
    lines = body.splitlines()
    for number, line in enumerate(lines):
        if line.startswith(f"{project}=="):
            requirement = [line]
            while requirement[-1].endswith("\\"):
                requirement.append(lines[number + len(requirement)])
            return line.split("==")[1].split()[0], requirement
    raise StaleLock(f"launcher.lock does not pin {project}. Run `./pants lock launcher` and commit the result.")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
