"""Where things are in the root file system. Debian's names, one place."""

from __future__ import annotations

import platform
from dataclasses import dataclass

from base_image.errors import ArchitectureError

SUITE = "trixie"
PYTHON = "3.13"
PYTHON_PACKAGE = f"python{PYTHON}-minimal"
STDLIB = f"usr/lib/python{PYTHON}"
DIST_PACKAGES = f"usr/local/lib/python{PYTHON}/dist-packages"
"""On the `sys.path` of Debian's Python; distributions and NodeOS' own code go there."""

NODE_USER = "nodejs"
NODE_ID = 1001


@dataclass(frozen=True)
class Architecture:
    """One processor, by Debian's name; `loader` starts every program of the base and is found in `loader_folder`."""

    name: str
    machine: str
    triplet: str
    loader: str
    loader_folder: str

    @property
    def libraries(self) -> str:
        """The directory of shared libraries."""
        return f"usr/lib/{self.triplet}"


ARCHITECTURES = {
    known.name: known
    for known in (
        Architecture("amd64", "x86_64", "x86_64-linux-gnu", "ld-linux-x86-64.so.2", "lib64"),
        Architecture("arm64", "aarch64", "aarch64-linux-gnu", "ld-linux-aarch64.so.1", "lib"),
    )
}


def architecture(name: str) -> Architecture:
    """The architecture with Debian's `name`. Raises `ArchitectureError`."""
    if name not in ARCHITECTURES:
        raise ArchitectureError(f"architecture {name!r} is none of NodeOS: choose one of {', '.join(ARCHITECTURES)}.")
    return ARCHITECTURES[name]


def host_architecture(machine: str | None = None) -> Architecture:
    """The architecture of this machine. Raises `ArchitectureError` where Debian's Python cannot run."""
    machine = machine or platform.machine()
    for known in ARCHITECTURES.values():
        if machine == known.machine:
            return known
    raise ArchitectureError(f"this machine is {machine!r}: images are built on Linux x86_64 or aarch64.")
