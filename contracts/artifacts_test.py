"""What is committed is what the compiler makes of the Solidity that is committed."""

from __future__ import annotations

import pytest

from contracts.artifact import load_artifact
from contracts.compiler import CONTRACTS, compile_contracts
from contracts.deployment import Deployment
from contracts.errors import CompileError
from contracts.toolchain import FOLDER, Toolchain
from noderr.types.consensus import VOTE_TYPE
from noderr.types.consensus.weights import VOTER_SET_TYPE
from noderr.types.keccak import keccak256


def test_artefacts_are_a_fresh_compile_byte_for_byte(toolchain: Toolchain) -> None:
    committed = {name: (FOLDER / "artifacts" / f"{name}.json").read_text(encoding="utf-8") for name in CONTRACTS}
    assert compile_contracts(toolchain) == committed, "run `python -m contracts.compile` and commit what it writes"


def test_artefacts_are_of_these_sources() -> None:
    # Says the same without a compiler, of the sources that are ours.
    for name in CONTRACTS:
        ours = {path: digest for path, digest in load_artifact(name).sources.items() if path.startswith("contracts/")}
        assert f"contracts/{name}.sol" in ours
        for path, digest in ours.items():
            assert f"0x{keccak256((FOLDER.parent / path).read_bytes()).hex()}" == digest, path


def test_the_compilers_words_are_the_error(toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contracts.compiler.SETTINGS", {"evmVersion": "cancun", "optimizer": {"enabled": "perhaps"}})
    with pytest.raises(CompileError, match="must be a Boolean"):
        compile_contracts(toolchain)


def test_the_types_are_pythons(deployment: Deployment) -> None:
    assert deployment.verifier.read("VOTE_TYPE_HASH") == VOTE_TYPE.type_hash
    assert deployment.registry.read("VOTER_SET_TYPE_HASH") == VOTER_SET_TYPE.type_hash
