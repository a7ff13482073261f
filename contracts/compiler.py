"""From Solidity to artefacts: the same sources, packages and settings give the same bytes anywhere."""

from __future__ import annotations

import json
import posixpath
import re
import subprocess
from pathlib import Path
from typing import Any

from contracts.errors import CompileError
from contracts.toolchain import FOLDER, Toolchain

CONTRACTS = ("NodeRegistry", "CertificateVerifier", "TradeSettlement", "testing/TestAggregator")
"""Each is in the file of its name; what is in `testing` is deployed by tests only."""

SETTINGS: dict[str, Any] = {
    "evmVersion": "cancun",
    "optimizer": {"enabled": True, "runs": 200},
    "viaIR": False,
}
_OUTPUT = {"*": {"*": ["abi", "evm.bytecode.object", "metadata"]}}
_OURS = "contracts/"
_IMPORT = re.compile(r"""^import\s[^;"']*["']([^"']+)["']\s*;""", re.MULTILINE)
_TIMEOUT_S = 120


def compile_contracts(toolchain: Toolchain) -> dict[str, str]:
    """The text of each contract's artefact. Raises `CompileError`, for warnings too."""
    asked = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in _sources(toolchain).items()},
        "settings": {**SETTINGS, "outputSelection": _OUTPUT},
    }
    answer = _run(toolchain, asked)
    if problems := [problem["formattedMessage"] for problem in answer.get("errors", ())]:
        raise CompileError("\n".join(problems))
    return {name: _artifact(name, answer["contracts"][f"{_OURS}{name}.sol"], toolchain) for name in CONTRACTS}


def _artifact(name: str, compiled_file: dict[str, Any], toolchain: Toolchain) -> str:
    contract = posixpath.basename(name)
    compiled = compiled_file[contract]
    metadata = json.loads(compiled["metadata"])
    artifact = {
        "contract": contract,
        "compiler": metadata["compiler"]["version"],
        "packages": {name: version for name, version in toolchain.versions.items() if name != "solc"},
        "settings": SETTINGS,
        "sources": {path: source["keccak256"] for path, source in sorted(metadata["sources"].items())},
        "abi": compiled["abi"],
        "bytecode": f"0x{compiled['evm']['bytecode']['object']}",
    }
    return json.dumps(artifact, indent=1) + "\n"


def _sources(toolchain: Toolchain) -> dict[str, str]:
    """Our contracts and all that they import, by the names that Solidity gives them."""
    found: dict[str, str] = {}
    open_names = [f"{_OURS}{name}.sol" for name in CONTRACTS]
    while open_names:
        name = open_names.pop()
        if name not in found:
            found[name] = _path(name, toolchain).read_text(encoding="utf-8")
            open_names += (_resolve(imported, name) for imported in _IMPORT.findall(found[name]))
    return dict(sorted(found.items()))


def _resolve(imported: str, importer: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(importer), imported)) if imported[0] == "." else imported


def _path(name: str, toolchain: Toolchain) -> Path:
    return FOLDER / name.removeprefix(_OURS) if name.startswith(_OURS) else toolchain.packages / name


def _run(toolchain: Toolchain, asked: dict[str, Any]) -> dict[str, Any]:
    argv: list[str | Path] = [toolchain.node, FOLDER / "solc.js", toolchain.packages / "solc" / "soljson.js"]
    done = subprocess.run(
        argv, input=json.dumps(asked), capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    if done.returncode != 0:
        raise CompileError(f"the compiler ended with {done.returncode}: {done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
