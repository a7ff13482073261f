"""What a node says about itself at `/api/v1/node`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import msgspec

from noderr.core.event_bus_subscription import QueueStatus
from noderr.core.identity import NodeIdentity
from noderr.core.packages import missing_packages
from noderr.core.vitals import Missing
from noderr.types import TierManifest

if TYPE_CHECKING:
    from noderr.core.process import ProcessParts
    from noderr.telemetry.coordinator_link import CoordinatorLink
    from noderr.telemetry.recorder import TelemetryService

_SECOND_NS = 1_000_000_000


class Identity(msgspec.Struct, frozen=True):
    """`public_key` is raw Ed25519 in hexadecimal digits; `account` the Ethereum address that the node votes with."""

    node_id: str
    public_key: str
    account: str


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
    """Where a protocol of rounds stands, as the service that runs it says.

    `heard` of `voters` have spoken in this phase; `missing` are the accounts that have not. `view` is None where a
    protocol has no leaders.
    """

    protocol: str
    round: int
    state: str
    started_at: datetime
    view: int | None = None
    heard: int = 0
    voters: int = 0
    missing: tuple[str, ...] = ()


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


@runtime_checkable
class RoundKeeper(Protocol):
    """A service that runs a protocol of rounds says where they stand."""

    def rounds(self) -> Sequence[RoundDescription]: ...


class NodeDescriber:
    """Holds what does not change, and asks for the rest. `started_at` is UTC."""

    def __init__(
        self,
        manifest: TierManifest,
        version: str,
        identity: NodeIdentity,
        account: str,
        parts: ProcessParts,
        *,
        started_at: datetime,
        peers: Callable[[], tuple[PeerDescription, ...]],
        queues: Callable[[], Sequence[QueueStatus]],
        telemetry: TelemetryService,
        link: CoordinatorLink | None,
    ) -> None:
        self._manifest = manifest
        self._version = version
        self._identity = Identity(identity.node_id, identity.public_key.hex(), account)
        missing = missing_packages(manifest)
        self._packages = Packages(tuple(name for name in manifest.packages if name not in missing), missing)
        self._parts = parts
        self._began = parts.clock.monotonic()
        self._started_at = started_at
        self._peers = peers
        self._queues = queues
        self._telemetry = telemetry
        self._link = link

    def describe(self) -> NodeDescription:
        board, vitals = self._parts.board, self._parts.vitals
        missing = vitals.missing()
        return NodeDescription(
            identity=self._identity,
            tier=self._manifest.tier,
            tier_number=self._manifest.number,
            responsibility=self._manifest.responsibility,
            version=self._version,
            started_at=self._started_at,
            uptime_seconds=round(self._parts.clock.monotonic() - self._began, 3),
            alive=not vitals.problems(),
            ready=not missing,
            packages=self._packages,
            services=tuple(
                ServiceDescription(status.name, status.critical, status.state.value, status.restarts, status.problem)
                for status in board.statuses()
            ),
            missing=missing,
            peers=self._peers(),
            queues=tuple(
                QueueDescription(f"{queue.topic} → {queue.subscriber}", queue.length, queue.limit, queue.dropped)
                for queue in self._queues()
            ),
            rounds=tuple(
                found for service in board.services() if isinstance(service, RoundKeeper) for found in service.rounds()
            ),
            coordinator=self._coordinator(),
        )

    def _coordinator(self) -> CoordinatorDescription:
        link, state = self._link, self._telemetry.state
        heartbeat_ns = link.last_heartbeat_ns if link else None
        return CoordinatorDescription(
            url=link.url if link else "",
            reachable=link is not None and link.reachable,
            last_heartbeat_at=None if heartbeat_ns is None else datetime.fromtimestamp(heartbeat_ns / _SECOND_NS, UTC),
            clock_offset_seconds=link.clock_offset_seconds if link else None,
            desired_version=link.desired_version if link else None,
            spooled_records=state.records,
            spooled_bytes=state.size_bytes,
            dropped_records=state.dropped,
            problem=link.problem if link else None,
        )
