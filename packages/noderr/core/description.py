"""What a node says about itself at `/api/v1/node`."""

from __future__ import annotations

from datetime import datetime

import msgspec

from noderr.core.identity import NodeIdentity
from noderr.core.status import StatusBoard
from noderr.core.vitals import Missing, Vitals
from noderr.types import TierManifest


class Identity(msgspec.Struct, frozen=True):
    """`public_key` is raw Ed25519 in hexadecimal digits."""

    node_id: str
    public_key: str


class Packages(msgspec.Struct, frozen=True):
    """The packages that the tier lists: in this build, and not in it."""

    present: tuple[str, ...]
    missing: tuple[str, ...]


class ServiceDescription(msgspec.Struct, frozen=True):
    name: str
    critical: bool
    state: str
    restarts: int
    problem: str | None


class PeerDescription(msgspec.Struct, frozen=True):
    """A node on the peer list. What it says of itself (`tier`, `version`, `ready`) is None until it has answered."""

    node_id: str
    address: str
    connected: bool
    tier: str | None = None
    version: str | None = None
    ready: bool | None = None
    round_trip_seconds: float | None = None
    last_seen_at: datetime | None = None
    queued_messages: int = 0
    problem: str | None = None


class QueueDescription(msgspec.Struct, frozen=True):
    """Events or messages that wait; `dropped` since the start."""

    name: str
    length: int
    limit: int
    dropped: int


class RoundDescription(msgspec.Struct, frozen=True):
    """Where a protocol of rounds stands, as the service that runs it says."""

    protocol: str
    round: int
    state: str
    started_at: datetime


class CoordinatorDescription(msgspec.Struct, frozen=True):
    """This node's side of the coordinator. `url` is empty when none is set."""

    url: str
    reachable: bool
    last_heartbeat_at: datetime | None
    clock_offset_seconds: float | None
    desired_version: str | None
    spooled_records: int
    spooled_bytes: int
    dropped_records: int
    problem: str | None


class NodeDescription(msgspec.Struct, frozen=True):
    """One node at one moment. `missing` is what `/ready` says."""

    identity: Identity
    tier: str
    tier_number: int
    responsibility: str
    version: str
    started_at: datetime
    uptime_seconds: float
    alive: bool
    ready: bool
    packages: Packages
    services: tuple[ServiceDescription, ...]
    missing: tuple[Missing, ...] = ()
    peers: tuple[PeerDescription, ...] = ()
    queues: tuple[QueueDescription, ...] = ()
    rounds: tuple[RoundDescription, ...] = ()
    coordinator: CoordinatorDescription | None = None


class NodeDescriber:
    """Holds what does not change and reads the rest from the board. `started_at` is UTC, `uptime_seconds` is asked."""

    def __init__(
        self,
        manifest: TierManifest,
        version: str,
        identity: NodeIdentity,
        missing_packages: tuple[str, ...],
        started_at: datetime,
    ) -> None:
        self._manifest = manifest
        self._version = version
        self._identity = Identity(identity.node_id, identity.public_key.hex())
        present = tuple(package for package in manifest.packages if package not in missing_packages)
        self._packages = Packages(present, missing_packages)
        self._started_at = started_at

    def describe(self, board: StatusBoard, vitals: Vitals, uptime_seconds: float) -> NodeDescription:
        return NodeDescription(
            identity=self._identity,
            tier=self._manifest.tier,
            tier_number=self._manifest.number,
            responsibility=self._manifest.responsibility,
            version=self._version,
            started_at=self._started_at,
            uptime_seconds=round(uptime_seconds, 3),
            alive=not vitals.problems(),
            ready=not vitals.missing(),
            packages=self._packages,
            services=tuple(
                ServiceDescription(status.name, status.critical, status.state.value, status.restarts, status.problem)
                for status in board.statuses()
            ),
        )
