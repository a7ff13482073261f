"""`python -m contracts.compile`: write the artefacts anew. Commit them with the Solidity; a test compares the two."""

from __future__ import annotations

import sys

from contracts.compiler import compile_contracts
from contracts.errors import ContractsError
from contracts.toolchain import FOLDER, find_toolchain


def main() -> int:
    """0, or 1 with the reason."""
    try:
        compiled = compile_contracts(find_toolchain())
    except ContractsError as error:
        print(error, file=sys.stderr)
        return 1
    for name, text in compiled.items():
        (FOLDER / "artifacts" / f"{name}.json").write_text(text, encoding="utf-8")
        print(f"contracts/artifacts/{name}.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
