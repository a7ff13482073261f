"""What is seen of each member of a local network, and what is made of it in the end."""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.network.plan import Member


@dataclass
class MemberView:
    """One member as last seen. Times are seconds since its own start; sizes are bytes.

    `health` and `container_restarts` are the engine's, where the member is a container. Of the coordinator `peers_…`
    are the nodes that it hears and those that are enrolled.
    """

    member: Member
    url: str
    limit_bytes: int
    running: bool = True
    answers: bool = False
    alive: bool = False
    ready: bool = False
    waiting_for: tuple[str, ...] = ()
    absent_packages: tuple[str, ...] = ()
    peers_connected: int = 0
    peers_configured: int = 0
    restarts: int = 0
    seconds_to_alive: float | None = None
    seconds_to_all_but_packages: float | None = None
    seconds_to_ready: float | None = None
    resident_bytes: int = 0
    peak_resident_bytes: int = 0
    exit_code: int | None = None
    health: str | None = None
    container_restarts: int = 0
    last: dict[str, Any] = field(default_factory=dict)

    def saw_node(self, description: Mapping[str, Any], seconds: float) -> None:
        """Take in what the node says at `/api/v1/node`, `seconds` after its start."""
        self.last = dict(description)
        self.answers = True
        self.alive, self.ready = description["alive"], description["ready"]
        missing = description["missing"]
        self.absent_packages = tuple(item["name"] for item in missing if item["kind"] == "package")
        self.waiting_for = tuple(f"{item['name']}: {item['reason']}" for item in missing if item["kind"] != "package")
        peers = description["peers"]
        self.peers_configured, self.peers_connected = len(peers), sum(peer["connected"] for peer in peers)
        self.restarts = sum(service["restarts"] for service in description["services"])
        self._reached(seconds)

    def saw_coordinator(
        self, alive: bool, missing: tuple[str, ...], network: Mapping[str, Any] | None, seconds: float
    ) -> None:
        """Take in what the coordinator says at `/health`, `/ready` and `/api/v1/network` (None: it cannot say)."""
        self.answers, self.alive, self.ready, self.waiting_for = True, alive, alive and not missing, missing
        if network is not None:
            self.last = dict(network)
            nodes = network["nodes"]
            self.peers_configured = len(nodes)
            self.peers_connected = sum(node["state"] == "online" for node in nodes)
        self._reached(seconds)

    def saw_nothing(self) -> None:
        """It did not answer."""
        self.answers = self.alive = self.ready = False
        self.peers_connected = 0

    def _reached(self, seconds: float) -> None:
        if self.alive and self.seconds_to_alive is None:
            self.seconds_to_alive = seconds
        if self.alive and not self.waiting_for and self.seconds_to_all_but_packages is None:
            self.seconds_to_all_but_packages = seconds
        if self.ready and self.seconds_to_ready is None:
            self.seconds_to_ready = seconds

    @property
    def state(self) -> str:
        """One word or two for a person."""
        if not self.running:
            return _end(self.exit_code)
        if not self.answers:
            return "no answer" if self.seconds_to_alive is not None else "starting"
        if not self.alive:
            return "not alive"
        if self.ready:
            return "ready"
        return "waiting" if self.waiting_for else "all but packages"

    def report(self) -> dict[str, Any]:
        """The member's part of the report, as plain JSON data."""
        values = {
            one.name: getattr(self, one.name) for one in dataclasses.fields(self) if one.name not in ("member", "last")
        }
        head = {"name": self.member.name, "kind": self.member.kind, "node_id": self.member.node_id, "state": self.state}
        within = self.peak_resident_bytes <= self.limit_bytes
        return head | values | {"within_memory_limit": within, "description": self.last or None}


def _end(exit_code: int | None) -> str:
    """How a process ended; a negative code is the signal that ended it."""
    if exit_code is not None and exit_code < 0:
        return f"ended by {signal.Signals(-exit_code).name}"
    return f"ended, code {exit_code}"
