from __future__ import annotations

from pathlib import Path

import pytest

from tests.loop.made_up_feed import write_made_up_feed
from tests.pages.conftest import chromium as chromium
from tests.pages.conftest import screenshots as screenshots
from tests.recordings.conftest import recordings as recordings


@pytest.fixture(scope="session")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a made-up feed of 26 seconds."""
    folder = tmp_path_factory.mktemp("made-up")
    write_made_up_feed(folder, seed=1, seconds=26)
    return folder
