"""The members of a local network as containers, from the images in the Docker engine."""

from __future__ import annotations

import json
import re
import subprocess
import uuid
from pathlib import Path

from noderr.types import ImageManifest
from tests.network.compose import compose_document, compose_text
from tests.network.plan import COORDINATOR, Member, NetworkPlan, plan_network, write_key
from tests.network.processes import NetworkError, free_ports

_UP_SECONDS = 180
_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def plan_containers(counts: dict[str, int], manifests: dict[str, ImageManifest]) -> NetworkPlan:
    """A plan whose members are reached by name on the ports of their manifests; HTTP ports are free ones here."""
    kinds = [COORDINATOR, *(tier for tier in ("oracle", "guardian", "validator") for _ in range(counts.get(tier, 0)))]
    outer = free_ports(len(kinds))
    inner = [manifests[kind].ports["nodes" if kind == COORDINATOR else "grpc"] for kind in kinds]
    return plan_network(counts, [port for pair in zip(outer, inner, strict=True) for port in pair])


class ContainerNetwork:
    """A compose project of its own name, gone with its volumes when it is down."""

    def __init__(self, plan: NetworkPlan, manifests: dict[str, ImageManifest], version: str, folder: Path) -> None:
        self.plan = plan
        self.project = f"noderr-local-{uuid.uuid4().hex[:8]}"
        self.file = folder / "compose.yaml"
        self._folder = folder
        self._now: dict[str, int] = {}
        self._peaks: dict[str, int] = {}
        keys = folder / "keys"
        keys.mkdir(mode=0o711)
        for member in plan.members:
            # The container's user must read it; the folder above is this user's alone.
            write_key(member, keys).chmod(0o444)
        document = compose_document(plan, manifests, version, self.project, keys)
        self.file.write_text(compose_text(document), encoding="utf-8")
        self._images = sorted({service["image"] for service in document["services"].values()})

    def up(self) -> None:
        """Start the coordinator, enrol the nodes, start them. Raises `NetworkError`."""
        for image in self._images:
            if not self._docker("image", "ls", "--quiet", image):
                name = image.partition(":")[0].removeprefix("noderr-")
                folder = "packages/noderr/coordinator" if name == COORDINATOR else f"tiers/{name}"
                raise NetworkError(f"the engine has no image {image}: run ./pants package {folder}:image")
        self._compose("up", "--detach", "--wait", COORDINATOR)
        self._compose(
            "exec", "-T", COORDINATOR, *_COORDINATOR_COMMAND, "enrol", "--from", "-", given=self.plan.enrolment()
        )
        self._compose("up", "--detach")

    def down(self) -> None:
        """Stop and remove containers, networks and volumes."""
        self._compose("down", "--volumes", "--timeout", "12")

    def memory(self, member: Member) -> tuple[int, int]:
        """Memory of the member's container now, and the most that was seen, in bytes."""
        return self._now.get(member.name, 0), self._peaks.get(member.name, 0)

    def measure(self) -> None:
        """Ask the engine how much memory each container uses."""
        lines = self._docker("stats", "--no-stream", "--format", "{{json .}}").splitlines()
        self._now = {}
        for line in map(json.loads, lines):
            found = re.fullmatch(rf"{self.project}-(.+)-\d+", line["Name"])
            if found:
                used = _bytes(line["MemUsage"].partition(" / ")[0])
                self._now[found[1]] = used
                self._peaks[found[1]] = max(used, self._peaks.get(found[1], 0))

    def _compose(self, *arguments: str, given: str | None = None) -> str:
        return self._docker("compose", "--file", str(self.file), *arguments, given=given)

    def _docker(self, *arguments: str, given: str | None = None) -> str:
        try:
            done = subprocess.run(
                ["docker", *arguments], input=given, capture_output=True, text=True, timeout=_UP_SECONDS, check=False
            )
        except FileNotFoundError:
            raise NetworkError("there is no docker command: install Docker, or leave out --docker") from None
        if done.returncode != 0:
            raise NetworkError(f"docker {' '.join(arguments[:4])} … failed:\n{done.stderr.strip()}")
        return done.stdout


_COORDINATOR_COMMAND = ("/usr/bin/python3.13", "-I", "/opt/noderr")


def _bytes(text: str) -> int:
    number, unit = re.fullmatch(r"([0-9.]+)([A-Za-z]+)", text.strip()).groups()  # type: ignore[union-attr]
    return round(float(number) * _UNITS[unit])
