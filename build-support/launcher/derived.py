"""Pex locks, derived from the committed ones.

A Pex lock names download addresses, which differ between the public index, a mirror and a proxy; so it is made on the
machine, once per content, and never committed.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from launcher import locks
from launcher.locks import Resolve
from launcher.machine import cache_root, locked, replace, run, say
from launcher.tools import Tools, network_options, package_index


def provide(root: Path, tools: Tools, pythons: Sequence[Path]) -> None:
    """Put a current Pex lock of every resolve below `3rdparty/python/derived`, where pants.toml looks for it."""
    wanted = {resolve: _cached(locks.read(root, resolve), resolve, tools) for resolve in locks.PANTS_RESOLVES}
    if not all(path.exists() for path in wanted.values()):
        with locked(cache_root()):
            absent = {resolve: path for resolve, path in wanted.items() if not path.exists()}
            if absent:
                names = ", ".join(resolve.name for resolve in absent)
                say(f"deriving the Pex lock of {names} (once per lock; a minute or two)")
                with ThreadPoolExecutor() as pool:
                    jobs = [pool.submit(_derive, root, one, path, tools, pythons) for one, path in absent.items()]
                    for job in jobs:
                        job.result()
    for resolve, path in wanted.items():
        replace(locks.folder(root) / "derived" / f"{resolve.name}.json", path.read_bytes())


def _cached(body: str, resolve: Resolve, tools: Tools) -> Path:
    facts = "\0".join([body, resolve.python, resolve.pip, tools.pex_version, package_index()])
    return cache_root() / "locks" / f"{resolve.name}-{hashlib.sha256(facts.encode()).hexdigest()[:16]}.json"


def _derive(root: Path, resolve: Resolve, target: Path, tools: Tools, pythons: Sequence[Path]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch, "lock.json")
        argv: list[object] = [tools.pex_python, "-m", "pex.cli", "lock", "create"]
        argv += ["--style", "universal", "--target-system", "linux", "--interpreter-constraint", resolve.python]
        argv += ["--pip-version", resolve.pip, "--python-path", ":".join(str(python.parent) for python in pythons)]
        argv += [*network_options(), "--indent", "2", "-o", made]
        requirements = Path(scratch, f"{resolve.name}.txt")
        requirements.write_text(locks.read(root, resolve), encoding="utf-8")
        run([*argv, "-r", requirements], doing=f"Deriving the Pex lock of {resolve.name}")
        replace(target, made.read_bytes())
    say(f"derived the Pex lock of {resolve.name}")
