"""What the Docker engine says of containers while they run."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tests.network.engine import docker
from tests.network.errors import NetworkError

_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class ContainerState:
    """One container. `health` is starting, healthy or unhealthy; `restarts` counts those by the engine's policy."""

    running: bool
    exit_code: int | None
    health: str
    restarts: int
    started: float

    def seconds(self) -> float:
        """How long ago it was started, by the wall clock: the engine tells no other."""
        return max(0.0, time.time() - self.started)


def container_states(containers: Mapping[str, str]) -> dict[str, ContainerState]:
    """The state of each container, by the same names as `containers`. Raises `NetworkError` when one is gone."""
    shown = '{"restarts": {{.RestartCount}}, "state": {{json .State}}}'
    told = docker("container", "inspect", "--format", shown, *containers.values(), seconds=30)
    return dict(zip(containers, map(parse_state, told.splitlines()), strict=True))


def parse_state(line: str) -> ContainerState:
    """Read one line of the engine's answer."""
    document = json.loads(line)
    state = document["state"]
    running = state["Running"] and not state["Restarting"]
    return ContainerState(
        running=running,
        exit_code=None if running else state["ExitCode"],
        health=state["Health"]["Status"],
        restarts=document["restarts"],
        started=datetime.fromisoformat(state["StartedAt"]).timestamp(),
    )


class MemorySampler:
    """Asks how much memory containers use, in a thread of its own: one answer takes the engine two seconds."""

    def __init__(self, containers: Mapping[str, str]) -> None:
        self.now: dict[str, int] = {}
        self._names = {container: name for name, container in containers.items()}
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory of containers", daemon=True)
        self._problem: NetworkError | None = None

    def start(self) -> None:
        self._thread.start()

    def check(self) -> None:
        """Raises the `NetworkError` that ended the thread."""
        if self._problem is not None:
            raise self._problem

    def close(self) -> None:
        """End the thread; without effect when it was never started."""
        self._ends.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        command = ("stats", "--no-stream", "--format", "{{json .}}", *self._names)
        try:
            while not self._ends.is_set():
                lines = map(json.loads, docker(*command, seconds=30).splitlines())
                self.now = {self._names[line["Name"]]: memory_used(line["MemUsage"]) for line in lines}
                self._ends.wait(_PAUSE_SECONDS)
        except NetworkError as error:
            self._problem = error


def memory_used(text: str) -> int:
    """Bytes, from the engine's `4.434MiB / 23.54GiB`. Raises `NetworkError`."""
    found = re.fullmatch(r"([0-9.]+)([A-Za-z]+) / .*", text.strip())
    if found is None or found[2] not in _UNITS:
        raise NetworkError(f"docker stats says {text!r} of a container's memory, which is not a size")
    return round(float(found[1]) * _UNITS[found[2]])
