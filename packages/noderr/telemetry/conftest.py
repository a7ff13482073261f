"""What the tests of the link have in common."""

from __future__ import annotations

from pathlib import Path

import pytest

from noderr.telemetry.testing_link import Rig


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)
