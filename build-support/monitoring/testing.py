"""Prometheus' own programs for tests. A test skips where one is missing; `NODEOS_REQUIRE_PROMTOOL=1` forbids that."""

from __future__ import annotations

import os
import shutil

import pytest


def need(program: str) -> str:
    """The path of `promtool` or `prometheus`; without it the test skips, with the remedy."""
    found = shutil.which(program)
    if found is None:
        reason = f"no {program} on PATH; .ci/monitoring installs it"
        if os.environ.get("NODEOS_REQUIRE_PROMTOOL") == "1":
            pytest.fail(f"NODEOS_REQUIRE_PROMTOOL=1, and {reason}")
        pytest.skip(reason)
    return found
