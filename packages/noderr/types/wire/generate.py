"""Writes the generated code beside the `.proto` files: `python -m noderr.types.wire.generate`."""

from __future__ import annotations

import os
import re
import shlex
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.resources import as_file, files
from pathlib import Path

from grpc_tools import protoc  # type: ignore[import-untyped]  # It ships no types, as the next.
from mypy_protobuf import main as mypy_protobuf  # type: ignore[import-untyped]

HERE = Path(__file__).parent
_PACKAGE = "noderr/types/wire"
_PLUGINS: dict[str, Callable[[], None]] = {"mypy": mypy_protobuf.main, "mypy_grpc": mypy_protobuf.grpc}


class GenerateError(Exception):
    """protoc refused; it said why on standard error."""


def generated(out: Path, sources: Path = HERE) -> list[Path]:
    """Run protoc on every `.proto` of `sources` into the folder `out`; returns the files written, sorted."""
    protos = sorted(sources.glob("*.proto"))
    services = [path for path in protos if re.search(r"^service ", path.read_text(encoding="utf-8"), re.MULTILINE)]
    _protoc(sources, protos, f"--python_out={out}", f"--mypy_out=quiet:{out}")
    _protoc(sources, services, f"--grpc_python_out={out}", f"--mypy_grpc_out=quiet:{out}")
    return sorted(path for path in (out / _PACKAGE).iterdir() if path.is_file())


def _protoc(sources: Path, protos: Sequence[Path], *outputs: str) -> None:
    import_root = sources.parents[2]
    names = [str(path.relative_to(import_root)) for path in protos]
    with as_file(files("grpc_tools") / "_proto") as well_known, tempfile.TemporaryDirectory() as folder:
        plugins = [f"--plugin=protoc-gen-{name}={_program(Path(folder, name), run)}" for name, run in _PLUGINS.items()]
        if protoc.main(["protoc", *plugins, f"-I{import_root}", f"-I{well_known}", *outputs, *names]) != 0:
            raise GenerateError(f"protoc refused {', '.join(names)}")


def _program(target: Path, run: Callable[[], None]) -> Path:
    """An executable file that calls `run` in this Python: protoc starts its plugins, and these need not be on PATH."""
    code = f"from {run.__module__} import {run.__name__} as run; run()"
    # A shell script, because the path of an interpreter can be longer than what a `#!` line holds.
    search = shlex.quote(os.pathsep.join(filter(None, sys.path)))
    target.write_text(
        f"#!/bin/sh\nPYTHONPATH={search} exec {shlex.quote(sys.executable)} -c {shlex.quote(code)}\n", encoding="utf-8"
    )
    target.chmod(0o700)
    return target


def main() -> int:
    """Write the files beside this one."""
    with tempfile.TemporaryDirectory() as folder:
        for path in generated(Path(folder)):
            target = HERE / path.name
            text = path.read_text(encoding="utf-8")
            if not target.exists() or target.read_text(encoding="utf-8") != text:
                target.write_text(text, encoding="utf-8")
                print(f"wrote {target.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
