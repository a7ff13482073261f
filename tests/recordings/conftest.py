from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Skips, or fails where NODEOS_REQUIRE_RECORDINGS=1, when there are none."""
    named = os.environ.get("NODEOS_RECORDINGS_DIR", "")
    if named and (Path(named) / "KRAKEN.ws.50.0").is_file():
        return Path(named)
    reason = f"NODEOS_RECORDINGS_DIR={named!r} is no directory of recorded feeds"
    if os.environ.get("NODEOS_REQUIRE_RECORDINGS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
