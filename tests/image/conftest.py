"""The engine and the archives. A test that lacks one skips with the reason; `NODEOS_REQUIRE_ENGINE=1` forbids that."""

from __future__ import annotations

import os
import platform
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from typing import NoReturn

import pytest

from tests.image.archives import SERVICES, TIERS, Archive, find_archive, open_archive
from tests.image.engine import docker, why_no_engine

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def _cannot(reason: str) -> NoReturn:
    if os.environ.get("NODEOS_REQUIRE_ENGINE") == "1":
        pytest.fail(f"NODEOS_REQUIRE_ENGINE=1, and {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def engine() -> None:
    """The test needs a Docker engine."""
    if reason := why_no_engine():
        _cannot(reason)


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Archive]:
    """Opens the archive of a tier or a service, once."""

    @cache
    def open_one(name: str) -> Archive:
        found = find_archive(name, _ARCHITECTURES[platform.machine()])
        if found is None:
            _cannot(f"NODEOS_ARCHIVES_DIR holds no archive of {name}: run ./pants package …/{name}:archive")
        return open_archive(found, tmp_path_factory.mktemp(name))

    return open_one


@pytest.fixture(params=(*TIERS, *SERVICES))
def archive(request: pytest.FixtureRequest, opened: Callable[[str], Archive]) -> Archive:
    """The archive of each tier and each service in turn."""
    return opened(request.param)


@pytest.fixture(scope="session")
def loaded(engine: None) -> Iterator[Callable[[Archive], str]]:
    """Loads an archive into the engine, once, and gives a tag that nobody else moves meanwhile."""
    tags: dict[str, str] = {}

    def load(archive: Archive) -> str:
        if archive.name not in tags:
            said = docker("load", "--input", str(archive.path))
            assert all(f"Loaded image: {tag}\n" in said for tag in archive.metadata["image"]["tags"])
            tags[archive.name] = f"noderr-test-{uuid.uuid4().hex[:12]}:{archive.metadata['version']}"
            docker("tag", archive.tag, tags[archive.name])
        return tags[archive.name]

    yield load
    if tags:
        docker("image", "rm", *tags.values())


@pytest.fixture
def image(archive: Archive, loaded: Callable[[Archive], str]) -> str:
    """The tag of each image, loaded from its archive as an operator does it."""
    return loaded(archive)


@pytest.fixture
def name() -> Iterator[str]:
    """A name for what a test makes in the engine; containers, images and volumes of it are removed."""
    chosen = f"noderr-test-{uuid.uuid4().hex[:12]}"
    yield chosen
    for listing, removal in (
        (("container", "ls", "--all", "--filter", f"name={chosen}"), ("container", "rm", "--force", "--volumes")),
        (("volume", "ls", "--filter", f"name={chosen}"), ("volume", "rm")),
        (("image", "ls", "--filter", f"reference={chosen}"), ("image", "rm", "--force")),
    ):
        if found := set(docker(*listing, "--quiet").split()):
            docker(*removal, *found)
