"""Puts the coordinator together and runs it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import structlog
from prometheus_client import CollectorRegistry
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from noderr.coordinator.database import CONNECTIONS, Database, sqlite_url
from noderr.coordinator.description import NetworkDescription
from noderr.coordinator.errors import StoreUnavailableError
from noderr.coordinator.keeper import StoreKeeper
from noderr.coordinator.network import known_nodes, stored_records
from noderr.coordinator.node_store import NodeStore
from noderr.coordinator.nodes_api import CoordinatorMetrics, NodesApi
from noderr.coordinator.pages import network_page_routes
from noderr.coordinator.protocol import NodeProtocol
from noderr.coordinator.record_store import RecordStore
from noderr.coordinator.registry import Registry
from noderr.coordinator.settings import CoordinatorSettings, port_defaults
from noderr.core.data_claim import claimed_data_dir
from noderr.core.data_dir import prepare_data_dir
from noderr.core.http_answers import Answer, standard_answers
from noderr.core.http_api import http_api
from noderr.core.http_server import HttpService
from noderr.core.identity import NodeIdentity, load_identity
from noderr.core.process import ProcessParts, run_process
from noderr.core.service import Service
from noderr.core.settings_loader import load_settings
from noderr.telemetry import NodeMetrics, configure_logging
from noderr.types import ServiceManifest
from noderr.utils import SystemClock

_log = structlog.get_logger("noderr.coordinator")

NAME = "coordinator"
_SECOND_NS = 1_000_000_000
_RECENT = 50


def serve(manifest: ServiceManifest, version: str, environ: Mapping[str, str]) -> None:
    """Run the coordinator until SIGTERM or SIGINT. Raises `CoreError` when it cannot start or go on."""
    settings = load_settings(environ, CoordinatorSettings, port_defaults(manifest))
    configure_logging(sys.stdout, level=settings.log_level, tier=NAME, version=version)
    data_dir = prepare_data_dir(settings.data_dir, NAME)
    with claimed_data_dir(data_dir, NAME, version), ThreadPoolExecutor(CONNECTIONS, "store") as executor:
        identity = load_identity(data_dir, settings.private_key())
        database = Database(settings.postgres_url() or sqlite_url(data_dir))
        _log.info("node_starting", public_key=identity.public_key.hex(), database=database.kind)
        try:
            database.migrate()
        except StoreUnavailableError as error:
            # It may come yet; until then this process is alive and not ready, and refuses what nodes send.
            _log.error("store_unavailable", reason=str(error))
        metrics = NodeMetrics(CollectorRegistry(), tier=NAME, version=version)

        def make_services(parts: ProcessParts) -> Sequence[Service]:
            network = NetworkDescriber(database, identity, version, settings.heartbeat_seconds)
            return _services(parts, settings, identity, network, executor)

        try:
            run_process(make_services, metrics=metrics, clock=SystemClock(), drain_seconds=settings.drain_seconds)
        finally:
            database.close()


def _services(
    parts: ProcessParts,
    settings: CoordinatorSettings,
    identity: NodeIdentity,
    network: NetworkDescriber,
    executor: ThreadPoolExecutor,
) -> Sequence[Service]:
    own_metrics = CoordinatorMetrics(parts.metrics.registry)
    protocol = NodeProtocol(
        network.nodes, network.records, identity, parts.clock, heartbeat_seconds=settings.heartbeat_seconds
    )

    async def describe() -> NetworkDescription:
        return await asyncio.get_running_loop().run_in_executor(executor, network.describe, parts.clock.now_ns())

    async def network_json(_request: Request) -> Response:
        try:
            answer = Answer.json(await describe())
        except StoreUnavailableError as error:
            answer = Answer.json({"error": str(error)}, 503)
        return Response(answer.body, answer.status, {"cache-control": "no-store"}, "application/json")

    routes = [Route("/api/v1/network", network_json), *network_page_routes(describe)]
    operator = http_api(parts.metrics, standard_answers(parts.vitals, parts.metrics), routes)
    return (
        StoreKeeper(
            network.nodes,
            network.records,
            own_metrics,
            executor,
            parts.clock,
            heartbeat_seconds=settings.heartbeat_seconds,
            retention_days=settings.retention_days,
        ),
        HttpService(operator, host=settings.http_host, port=settings.http_port, metrics=parts.metrics),
        HttpService(
            NodesApi(protocol, own_metrics, executor).app(),
            host=settings.nodes_host,
            port=settings.nodes_port,
            metrics=parts.metrics,
            name="nodes",
        ),
    )


class NetworkDescriber:
    """Reads the whole network from the store. `describe` blocks and raises `StoreUnavailableError`."""

    def __init__(self, database: Database, identity: NodeIdentity, version: str, heartbeat_seconds: int) -> None:
        self.nodes = NodeStore(database)
        self.records = RecordStore(database)
        self._registry = Registry(database)
        self._public_key = identity.public_key.hex()
        self._version = version
        self._heartbeat_seconds = heartbeat_seconds

    def describe(self, now_ns: int) -> NetworkDescription:
        return NetworkDescription(
            version=self._version,
            public_key=self._public_key,
            at=datetime.fromtimestamp(now_ns / _SECOND_NS, UTC),
            nodes=known_nodes(self.nodes.all_nodes(), now_ns, self._heartbeat_seconds),
            desired_versions=self._registry.desired(),
            recent=stored_records(self.records.recent(_RECENT)),
        )
