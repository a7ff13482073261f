"""The nodes' API for tests: on a new database, spoken to without a socket; and what nodes say to it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from noderr.coordinator.body_reader import BodyReader
from noderr.coordinator.database import Database, sqlite_url
from noderr.coordinator.node_store import NodeStore
from noderr.coordinator.nodes_api import CoordinatorMetrics, NodesApi
from noderr.coordinator.protocol import NodeProtocol
from noderr.coordinator.record_store import RecordStore
from noderr.coordinator.registry import Enrolment, Registry
from noderr.coordinator.testing import NOW_NS, ExampleNode, batch, peers_request, record
from noderr.core.identity import NodeIdentity
from noderr.utils import ManualClock

NODE = ExampleNode(1)
STRANGER = ExampleNode(9)
COORDINATOR = NodeIdentity.of(Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\xff"))


class Coordinator:
    """The nodes' API on a new database, without a socket."""

    def __init__(self, folder: Path, executor: ThreadPoolExecutor, reader: BodyReader | None = None) -> None:
        self.database = Database(sqlite_url(folder))
        self.registry = Registry(self.database)
        self.registry.enrol([Enrolment(NODE.public_key, NODE.tier)], NOW_NS)
        self.clock = ManualClock(NOW_NS)
        self.prometheus = CollectorRegistry()
        self.nodes, self.records = NodeStore(self.database), RecordStore(self.database)
        protocol = NodeProtocol(self.nodes, self.records, COORDINATOR, self.clock, heartbeat_seconds=15)
        self.app: ASGIApp = NodesApi(protocol, CoordinatorMetrics(self.prometheus), executor, reader=reader).app()
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://coordinator")

    async def post(self, path: str, body: bytes) -> httpx.Response:
        return await self.client.post(f"/v1/{path}", content=body)

    async def refused(self, path: str, body: bytes) -> tuple[int, str, str]:
        answer = await self.post(path, body)
        content = answer.json()
        return answer.status_code, content["code"], content["message"]

    def counted(self, kind: str, outcome: str) -> float | None:
        labels = {"kind": kind, "outcome": outcome}
        return self.prometheus.get_sample_value("noderr_coordinator_messages_total", labels)

    def stored(self) -> int:
        return len(self.records.recent(1000))


def example(path: str, node: ExampleNode = NODE, at_ns: int = NOW_NS) -> bytes:
    messages = {
        "heartbeat": node.heartbeat(1, at_ns=at_ns),
        "telemetry": batch(record(1), at_ns=at_ns),
        "peers": peers_request(at_ns),
    }
    return node.body(path, messages[path])
