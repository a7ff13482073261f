"""The fleet of this repository's own manifests, and promtool."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitoring.fleet import Fleet, fleet_of
from monitoring.testing import need
from node_image.manifests import GLOBS, load_manifest_file
from noderr.types import ImageManifest


@pytest.fixture(scope="session")
def manifests() -> list[ImageManifest]:
    """Every manifest of the repository."""
    return [load_manifest_file(path) for pattern in GLOBS for path in sorted(Path.cwd().glob(pattern))]


@pytest.fixture(scope="session")
def fleet(manifests: list[ImageManifest]) -> Fleet:
    """What is watched."""
    return fleet_of(manifests)


@pytest.fixture(scope="session")
def promtool() -> str:
    """The program of that name."""
    return need("promtool")
