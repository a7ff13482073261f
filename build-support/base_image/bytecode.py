"""Bytecode made by the base's own Python, so that its bytes do not depend on the Python of the machine that builds.

The interpreter runs out of an unpacked base: its own loader starts it with its own libraries, no chroot and no root
needed. Files are compiled in sorted order by one fresh process with a fixed hash seed, and checked by nobody at run
time (PEP 552 "unchecked hash"), so times of files do not matter.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from base_image.errors import BytecodeError
from base_image.files import write_tree
from base_image.layout import ARCHITECTURES, PYTHON, Architecture
from canonical import read_tar

_TIMEOUT_SECONDS = 1800

_PROGRAM = """
import compileall, py_compile, sys
tree, prefix, beside = sys.argv[1:]
good = compileall.compile_dir(
    tree, maxlevels=100, quiet=1, force=True, workers=1, legacy=beside == "beside", stripdir=tree, prependdir=prefix,
    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
)
sys.exit(not good)
"""


@dataclass(frozen=True)
class BaseInterpreter:
    """How to start the base's Python on this machine."""

    command: tuple[str, ...]
    environment: Mapping[str, str]

    @classmethod
    def from_directory(cls, root: Path) -> BaseInterpreter:
        """The Python of a base that is unpacked at `root`. Raises `BytecodeError` when none is there."""
        root = root.resolve()
        program = root / f"usr/bin/python{PYTHON}"
        found = [known for known in ARCHITECTURES.values() if _loader(root, known).is_file()]
        if not found or not program.is_file():
            raise BytecodeError(f"{root} holds no Python {PYTHON} with its loader: unpack a whole base image there.")
        library_path = str(root / found[0].libraries)
        loader = (str(_loader(root, found[0])), "--inhibit-cache", "--library-path", library_path)
        # Neither the machine's site-packages (-s, -S) nor its environment have a say, and nothing is written (-B).
        command = (*loader, str(program), "-s", "-S", "-B")
        return cls(command, {"PYTHONHOME": str(root / "usr"), "PYTHONHASHSEED": "0", "LC_ALL": "C"})

    @classmethod
    def from_rootfs_tar(cls, source: Path, workdir: Path) -> BaseInterpreter:
        """Unpack what Python needs of a base image's tar into `workdir`, and take the Python there."""
        with source.open("rb") as handle:
            write_tree((entry for entry in read_tar(handle) if entry.path.startswith("usr/")), workdir)
        return cls.from_directory(workdir)


def compile_tree(
    interpreter: BaseInterpreter, tree: Path, *, runtime_prefix: str, beside_sources: bool = False
) -> None:
    """Write the bytecode of every module below `tree`, which stands at `runtime_prefix` when the image runs.

    It goes to `__pycache__`, or with `beside_sources` next to the source, where Python finds it without the source.
    Raises `BytecodeError` when Python does not start or a file does not compile: bytecode that is missing makes
    every start slower, unseen.
    """
    argv = [*interpreter.command, "-c", _PROGRAM, str(tree), runtime_prefix, "beside" if beside_sources else "cache"]
    try:
        done = subprocess.run(
            argv, env=dict(interpreter.environment), capture_output=True, timeout=_TIMEOUT_SECONDS, check=False
        )
    except OSError as error:
        raise BytecodeError(
            f"the base's Python does not start ({argv[0]}: {error.strerror}). It must be of this machine's "
            "architecture, on a file system that allows programs (set TMPDIR to one)."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise BytecodeError(f"compiling {tree} took more than {_TIMEOUT_SECONDS} s: free this machine.") from error
    if done.returncode != 0:
        said = (done.stdout + done.stderr).decode(errors="replace").strip()
        raise BytecodeError(f"below {tree} something does not compile, leave it out or mend it:\n{said[-4000:]}")


def _loader(root: Path, known: Architecture) -> Path:
    return root / known.libraries / known.loader
