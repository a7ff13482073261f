"""The services that every node has, put together: bus, HTTP, gRPC, peers, telemetry, the coordinator's link."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from noderr.core.data_claim import DataDirClaim
from noderr.core.description import NodeDescriber, NodeDescription
from noderr.core.event_bus import EventBus
from noderr.core.grpc_server import GrpcService
from noderr.core.http_answers import node_answer, standard_answers
from noderr.core.http_api import http_api
from noderr.core.http_server import HttpService
from noderr.core.identity import NodeIdentity
from noderr.core.node_telemetry import tell_changes, tell_start_and_stop, watch_disk
from noderr.core.openapi_standard import NODE_OPERATIONS, OPENAPI_PATH, openapi_answer
from noderr.core.pages import page_routes
from noderr.core.parts import MakeParts, NodeContext, TierParts
from noderr.core.peer_address import PeerAddress, split_host_port
from noderr.core.peers import NodeCredentials, PeerNetwork
from noderr.core.process import ProcessParts
from noderr.core.process_memory import resident_memory_bytes
from noderr.core.service import Service
from noderr.core.settings import NodeSettings
from noderr.core.vitals import Vitals
from noderr.telemetry import NodeMetrics
from noderr.telemetry.coordinator_link import CoordinatorLink
from noderr.telemetry.node_facts import NodeFacts, NodeLabel
from noderr.telemetry.recorder import TelemetryService
from noderr.types import TierManifest
from noderr.types.signing.account_key import AccountKey, checksum_address
from noderr.types.signing.node_key import parse_public_key
from noderr.types.wire.node_pb2 import NodeStatus
from noderr.types.wire.telemetry_pb2 import PeerAddress as NamedPeer
from noderr.utils import seeded

_log = structlog.get_logger("noderr.core.node")

_MB = 1_000_000
_SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class NodeFoundation:
    """What is known before the loop runs. `seed` is for everything that is drawn by lot."""

    manifest: TierManifest
    version: str
    settings: NodeSettings
    data_dir: Path
    claim: DataDirClaim
    identity: NodeIdentity
    account: AccountKey
    metrics: NodeMetrics
    seed: int

    def randomness(self, purpose: str) -> random.Random:
        return seeded(self.seed, purpose)


def node_services(foundation: NodeFoundation, parts: ProcessParts, make_parts: MakeParts) -> Sequence[Service]:
    """All services of a node, those of the tier last. Raises `CoreError` when they cannot be put together."""
    settings, metrics, clock = foundation.settings, foundation.metrics, parts.clock
    started_ns = clock.now_ns()
    bus = EventBus(metrics, clock)
    credentials = NodeCredentials(foundation.identity, clock)

    def status() -> NodeStatus:
        return NodeStatus(
            tier=foundation.manifest.tier,
            version=foundation.version,
            ready=not parts.vitals.missing(),
            started_at_unix_ns=started_ns,
        )

    peers = PeerNetwork(
        settings.peer_addresses(),
        credentials,
        status,
        metrics,
        clock=clock,
        randomness=foundation.randomness("peers"),
    )
    telemetry = TelemetryService(
        foundation.data_dir, settings.telemetry_spool_mb * _MB, metrics, clock, lambda: readiness(parts.vitals)
    )
    tell_changes(parts, bus, telemetry)
    tell_start_and_stop(
        parts, telemetry, tier=foundation.manifest.tier, version=foundation.version, claim=foundation.claim
    )
    watch_disk(metrics, foundation.data_dir)
    link = _coordinator_link(foundation, parts, telemetry, peers, started_ns) if settings.coordinator_url else None

    tier_parts = make_parts(
        NodeContext(
            foundation.manifest,
            foundation.version,
            settings,
            foundation.data_dir,
            foundation.identity,
            foundation.account,
            metrics,
            clock=clock,
            randomness=foundation.randomness,
            bus=bus,
            peers=peers,
        )
    )
    describer = NodeDescriber(
        foundation.manifest,
        foundation.version,
        foundation.identity,
        checksum_address(foundation.account.address),
        parts,
        started_at=datetime.fromtimestamp(started_ns / _SECOND_NS, UTC),
        peers=peers.describe,
        queues=bus.queues,
        telemetry=telemetry,
        link=link,
    )
    http = _http_service(foundation, parts, describer.describe, tier_parts)
    grpc = GrpcService(
        parts.board,
        parts.vitals,
        credentials,
        [peers.register, *tier_parts.grpc],
        host=settings.grpc_host,
        port=settings.grpc_port,
        drain_seconds=settings.drain_seconds,
    )
    shared: list[Service] = [bus, http, grpc, peers, telemetry]
    return [*shared, *([link] if link is not None else []), *tier_parts.services]


def readiness(vitals: Vitals) -> tuple[bool, tuple[str, ...]]:
    """Whether the node is ready, and what is missing in words."""
    missing = vitals.missing()
    return not missing, tuple(f"{one.kind} {one.name}: {one.reason}" for one in missing)


def _http_service(
    foundation: NodeFoundation, parts: ProcessParts, describe: Callable[[], NodeDescription], tier_parts: TierParts
) -> HttpService:
    answers = {
        **standard_answers(parts.vitals, parts.metrics),
        "/api/v1/node": node_answer(describe),
        OPENAPI_PATH: openapi_answer(
            f"NodeOS {foundation.manifest.tier} node",
            foundation.version,
            [*NODE_OPERATIONS, *tier_parts.operations],
        ),
    }
    api = http_api(parts.metrics, answers, [*page_routes(describe), *tier_parts.routes])
    settings = foundation.settings
    return HttpService(api, host=settings.http_host, port=settings.http_port, metrics=parts.metrics)


def _coordinator_link(
    foundation: NodeFoundation, parts: ProcessParts, telemetry: TelemetryService, peers: PeerNetwork, started_ns: int
) -> CoordinatorLink:
    from noderr.telemetry.coordinator_client import CoordinatorClient  # Its HTTP library is heavy.

    settings = foundation.settings
    key = parse_public_key(settings.coordinator_key) if settings.coordinator_key else b""

    def open_client() -> CoordinatorClient:
        return CoordinatorClient(settings.coordinator_url, foundation.identity.private_key, key)

    def facts() -> NodeFacts:
        ready, missing = readiness(parts.vitals)
        described = peers.describe()
        return NodeFacts(
            alive=not parts.vitals.problems(),
            ready=ready,
            missing=missing,
            peers_connected=sum(peer.connected for peer in described),
            peers_configured=len(described),
            resident_memory_bytes=resident_memory_bytes(),
        )

    def on_peers(named: Sequence[NamedPeer]) -> None:
        peers.update(read_named_peers(named))

    return CoordinatorLink(
        settings.coordinator_url,
        open_client,
        telemetry,
        NodeLabel(foundation.manifest.tier, foundation.version, started_ns, settings.advertised_address),
        facts,
        on_peers=on_peers,
        metrics=foundation.metrics,
        clock=parts.clock,
        randomness=foundation.randomness("coordinator"),
    )


def read_named_peers(named: Sequence[NamedPeer]) -> list[PeerAddress]:
    """The peers that the coordinator names; one whose address nobody can use is left out and logged."""
    found = []
    for one in named:
        try:
            host, port = split_host_port(one.address)
        except ValueError as error:
            _log.warning("peer_left_out", public_key=one.public_key.hex(), reason=str(error))
        else:
            found.append(PeerAddress(bytes(one.public_key), host, port))
    return found
