"""One Chromium for all tests, and the folder that gets the screenshots."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pages.browser import Browser, browser


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser; without one the test skips, and fails where `NODEOS_REQUIRE_BROWSER=1`."""
    program = shutil.which("chromium")
    if program is None:
        reason = "no chromium on PATH; .ci/browser installs it"
        if os.environ.get("NODEOS_REQUIRE_BROWSER") == "1":
            pytest.fail(f"NODEOS_REQUIRE_BROWSER=1, and {reason}")
        pytest.skip(reason)
    with browser(program, tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: `NODEOS_SCREENSHOTS_DIR`, or a temporary folder."""
    named = os.environ.get("NODEOS_SCREENSHOTS_DIR")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
