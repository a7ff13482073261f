"""The contracts on a chain; the compiler, without which a test skips: `NODEOS_REQUIRE_SOLC=1` forbids that."""

from __future__ import annotations

import os

import pytest

from contracts.deployment import Deployment, deploy
from contracts.errors import ToolchainMissing
from contracts.toolchain import Toolchain, find_toolchain


@pytest.fixture
def deployment() -> Deployment:
    """A chain of the test's own."""
    return deploy()


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    """What compiles."""
    try:
        return find_toolchain()
    except ToolchainMissing as missing:
        if os.environ.get("NODEOS_REQUIRE_SOLC") == "1":
            pytest.fail(f"NODEOS_REQUIRE_SOLC=1, and {missing}")
        pytest.skip(str(missing))
