"""The images' own Python, on this machine: what operators run, and built otherwise than what developers have."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from base_image import BaseInterpreter

ROOTFS_HELP = "measure by the Python of this base image: `./pants package 3rdparty/debian:amd64` makes one"

# What starts processes of its own by `sys.executable` starts this Python again.
_RUN = "import runpy, sys; sys.executable = sys.argv.pop(1); runpy.run_module(sys.argv.pop(1), None, '__main__', True)"


def run_by_images_python(module: str, arguments: Sequence[str], rootfs: Path) -> int:
    """Run `module` by the Python of the base image `rootfs` (a tar) with this process's packages; its exit code.

    Raises `BytecodeError` when no Python is in it, and `OSError`.
    """
    with tempfile.TemporaryDirectory(prefix="nodeos-python-") as folder:
        python = Path(folder, "python")
        python.write_text(_script(BaseInterpreter.from_rootfs_tar(rootfs, Path(folder, "base"))))
        python.chmod(0o700)
        return subprocess.run([python, "-c", _RUN, python, module, *arguments], check=False).returncode


def _script(interpreter: BaseInterpreter) -> str:
    environment = dict(interpreter.environment) | {"PYTHONPATH": os.pathsep.join(_packages())}
    words = [*(f"{name}={value}" for name, value in environment.items()), *interpreter.command]
    return f'#!/bin/sh\nexec env {shlex.join(words)} "$@"\n'


def _packages() -> list[str]:
    """Where this process finds what is not in the standard library: of that, the base has its own."""
    library = Path(os.__file__).resolve().parent
    found = [Path(entry).resolve() for entry in sys.path]
    return [str(entry) for entry in found if entry.name == "site-packages" or not entry.is_relative_to(library)]
