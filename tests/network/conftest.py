"""The images for tests with containers. Without an engine or an archive such a test skips with the reason;
`NODEOS_REQUIRE_ENGINE=1` forbids that."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NoReturn

import pytest

from tests.image.engine import why_no_engine
from tests.network.docker_rig import find_archives, loaded_images


@pytest.fixture(scope="session")
def images() -> Iterator[dict[str, str]]:
    """The tag of each kind's image, loaded from its archive as an operator does it."""
    if reason := why_no_engine():
        _cannot(reason)
    archives = {}
    for kind, path in find_archives().items():
        if path is None:
            _cannot(f"NODEOS_ARCHIVES_DIR holds no archive of {kind}: run ./pants package …/{kind}:archive")
        archives[kind] = path
    with loaded_images(archives) as tags:
        yield tags


def _cannot(reason: str) -> NoReturn:
    if os.environ.get("NODEOS_REQUIRE_ENGINE") == "1":
        pytest.fail(f"NODEOS_REQUIRE_ENGINE=1, and {reason}")
    pytest.skip(reason)
