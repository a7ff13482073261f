"""Which machines build NodeOS, and where the launcher keeps what it makes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from launcher.errors import PackageIndexError, UnsupportedMachine

_MACHINES = {"x86_64": "linux_x86_64", "aarch64": "linux_arm64", "arm64": "linux_arm64"}


def pants_platform(system: str = "", machine: str = "") -> str:
    """Pants' name for this machine; raises `UnsupportedMachine` where NodeOS cannot be built."""
    system, machine = system or platform.system(), machine or platform.machine()
    if system != "Linux" or machine not in _MACHINES:
        raise UnsupportedMachine(
            f"This machine is {system} {machine}. NodeOS is built on Linux x86_64 or aarch64: "
            "use such a machine, a virtual machine or a container (64-bit Linux Python included)."
        )
    return _MACHINES[machine]


def cache_root() -> Path:
    """`$NODEOS_CACHE`, else `$XDG_CACHE_HOME/nodeos`, else `~/.cache/nodeos`. Removing it is always safe."""
    if os.environ.get("NODEOS_CACHE"):
        return Path(os.environ["NODEOS_CACHE"]).resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nodeos"


def say(message: str) -> None:
    """Tell the person. Standard output belongs to the shell that evaluates it."""
    print(f"nodeos: {message}", file=sys.stderr, flush=True)


def run(argv: Sequence[object], *, doing: str) -> str:
    """Run a command that talks to the package index; its words end in the error when it fails."""
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        tail = "\n".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-15:])
        raise PackageIndexError(
            f"{doing} failed (exit {done.returncode}). Is the network up, and is a mirror set if you need one "
            f"(UV_DEFAULT_INDEX, or pip's index-url)? It said:\n{tail}"
        )
    return done.stdout


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the machine-wide lock of `folder`, so that two launchers at once do each piece of work once."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w", encoding="ascii") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another ./pants that is setting up ({folder})")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def replace(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, and nothing when they are equal."""
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    # mkstemp makes private files; Pants may run as somebody else another time.
    os.chmod(scratch, 0o644)
    os.replace(scratch, path)
