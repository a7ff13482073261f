"""`3rdparty/debian/platforms/<architecture>.json`: what Pex calls a complete platform.

The environment markers (PEP 508) and the wheel tags (PEP 425, PEP 600) that CPython 3.13 on Debian 13 has. Run it again
when the base moves to another Python or another glibc; a test of the built image compares.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from packaging.tags import compatible_tags, cpython_tags

GLIBC = (2, 41)
PYTHON = (3, 13)
MACHINES = {"amd64": ("x86_64", 5), "arm64": ("aarch64", 17)}
"""Debian's architecture: the kernel's name of it, and the oldest glibc minor version a wheel of it may name."""


def describe(architecture: str, python_full_version: str) -> dict[str, object]:
    """The complete platform of one architecture."""
    machine, oldest = MACHINES[architecture]
    version = ".".join(map(str, PYTHON))
    platforms = [f"linux_{machine}", *_manylinux(machine, oldest)]
    tags = [
        *cpython_tags(PYTHON, platforms=platforms),
        *compatible_tags(PYTHON, f"cp{PYTHON[0]}{PYTHON[1]}", platforms),
    ]
    return {
        "marker_environment": {
            "implementation_name": "cpython",
            "implementation_version": python_full_version,
            "os_name": "posix",
            "platform_machine": machine,
            "platform_python_implementation": "CPython",
            # Of the machine that runs the image, not of the image: no marker may depend on them.
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": python_full_version,
            "python_version": version,
            "sys_platform": "linux",
        },
        "compatible_tags": [str(tag) for tag in dict.fromkeys(tags)],
    }


def _manylinux(machine: str, oldest: int) -> list[str]:
    legacy = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}
    names = []
    for minor in range(GLIBC[1], oldest - 1, -1):
        names.append(f"manylinux_{GLIBC[0]}_{minor}_{machine}")
        if (GLIBC[0], minor) in legacy:
            names.append(f"{legacy[GLIBC[0], minor]}_{machine}")
    return names


def main() -> int:
    """Write both files below `--out`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default="3.13.5", help="the base's full Python version (default %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("3rdparty/debian/platforms"), help="default %(default)s")
    options = parser.parse_args()
    for architecture in MACHINES:
        text = json.dumps(describe(architecture, options.python), indent=1) + "\n"
        (options.out / f"{architecture}.json").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
