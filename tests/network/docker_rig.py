"""A small network of containers under test, and the images that it runs."""

from __future__ import annotations

import json
import platform
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.image.archives import find_archive
from tests.image.engine import docker, inspect
from tests.network.containers import ContainerNetwork, plan_containers
from tests.network.plan import COORDINATOR, TIERS
from tests.network.up import manifests, member_views
from tests.network.views import MemberView
from tests.network.watch import Watcher

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
PYTHON = "/usr/bin/python3.13"


def find_archives() -> dict[str, Path | None]:
    """The archive of the coordinator's and of each tier's image, or None where there is none for this machine."""
    return {kind: find_archive(kind, _MACHINES[platform.machine()]) for kind in (COORDINATOR, *TIERS)}


@contextmanager
def loaded_images(archives: dict[str, Path]) -> Iterator[dict[str, str]]:
    """Load archives into the engine; gives tags that nobody else moves meanwhile."""
    tags: dict[str, str] = {}
    try:
        for kind, path in archives.items():
            docker("load", "--input", str(path))
            metadata = json.loads(Path(f"{path}.json").read_text())
            tag = f"noderr-test-{uuid.uuid4().hex[:12]}:{metadata['version']}"
            docker("tag", metadata["image"]["tags"][0], tag)
            tags[kind] = tag
        yield tags
    finally:
        if tags:
            docker("image", "rm", *tags.values())


class Rig:
    """An oracle, a guardian, a validator and a coordinator in containers, all seen."""

    def __init__(self, images: dict[str, str], folder: Path) -> None:
        self.facts = manifests()
        self.images = images
        self.said: list[str] = []
        self.plan = plan_containers({"oracle": 1, "guardian": 1, "validator": 1}, self.facts)
        self.network = ContainerNetwork(self.plan, self.facts, images, folder, self.said.append)
        self.views = member_views(self.plan, self.facts)
        self.watcher = Watcher(self.views, lambda view: self.network.seconds_since_start(view.member))

    def inspect(self, view: MemberView) -> Any:
        """What the engine says of a member's container."""
        return inspect("container", self.network.container(view.member))

    def python(self, view: MemberView, program: str, *arguments: str) -> str:
        """What a program prints that runs in a member's container."""
        return docker("exec", self.network.container(view.member), PYTHON, "-I", "-c", program, *arguments).strip()

    def until(self, condition: Callable[[MemberView], bool], seconds: float = 60) -> None:
        """Look until the condition holds for every member."""

        def holds() -> bool:
            self.network.look()
            for view in self.views:
                self.network.see(view)
            return all(map(condition, self.views))

        found = self.watcher.look_until(holds, seconds, every_seconds=0.2)
        assert found, [(view.member.name, view.state, view.health, view.waiting_for) for view in self.views]


def all_is_well(view: MemberView) -> bool:
    """Alive, healthy for the engine, and with everyone: two peers of a node, three nodes of the coordinator."""
    is_coordinator = view.member.kind == COORDINATOR
    connected = view.peers_connected == view.peers_configured == (3 if is_coordinator else 2)
    heard = is_coordinator or (view.answers and view.last["coordinator"]["reachable"])
    return view.alive and view.health == "healthy" and connected and heard
