"""Writes the generated code beside the `.proto` files: `python -m noderr.types.wire.generate`."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path

from grpc_tools import protoc

HERE = Path(__file__).parent
_PACKAGE = "noderr/types/wire"


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
    with as_file(files("grpc_tools") / "_proto") as well_known:
        names = [str(path.relative_to(import_root)) for path in protos]
        if protoc.main(["protoc", f"-I{import_root}", f"-I{well_known}", *outputs, *names]) != 0:
            raise GenerateError(f"protoc refused {', '.join(names)}")


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
