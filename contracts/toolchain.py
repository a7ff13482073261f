"""What compiles the contracts: Node.js, and the npm packages that `npm.lock` names, where `.ci/solidity` puts them."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import ToolchainMissing

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Toolchain:
    """`packages` holds one folder for each npm package; `versions` says of each name which one."""

    node: str
    packages: Path
    versions: Mapping[str, str]


def find_toolchain() -> Toolchain:
    """Raises `ToolchainMissing`."""
    lock = (FOLDER / "npm.lock").read_bytes()
    # As the launcher's cache, so that one folder holds everything and can be removed.
    cache = os.environ.get("NODEOS_CACHE")
    root = Path(cache) if cache else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nodeos"
    packages = root / f"solidity-{hashlib.sha256(lock).hexdigest()[:16]}"
    node = shutil.which("node")
    if node is None or not packages.is_dir():
        lacking = "no node on PATH" if node is None else f"no {packages.name} in the launcher's cache"
        raise ToolchainMissing(f"{lacking}; .ci/solidity installs it")
    lines = [line.split() for line in lock.decode("ascii").splitlines() if line and not line.startswith("#")]
    return Toolchain(node, packages, {name: version for name, version, _ in lines})
