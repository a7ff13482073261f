"""The node under soak: one guardian as a process of this machine, and what the kernel and the node say of it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client.parser import text_string_to_metric_families

from noderr.core.identity import NodeIdentity
from noderr.core.peers.credentials import NodeCredentials, blocking_channel
from noderr.core.process_memory import resident_memory_bytes
from noderr.utils import SystemClock
from tests.network.processes import HOST, ProcessNetwork, plan_processes

_START_SECONDS = 30.0


class Subject:
    """Its coordinator does not exist and it has no peers: it has to do without."""

    def __init__(self, folder: Path) -> None:
        plan = plan_processes({"guardian": 1})
        [self._member] = plan.nodes
        self._network = ProcessNetwork(plan, folder)
        self.node_id = self._member.node_id
        self.http_port, self.grpc_port = self._member.http_port, self._member.peer_port
        self.data_dir = self._network.data_dir(self._member)
        self.log = self._network.log(self._member)
        self._url = f"http://{HOST}:{self.http_port}"

    def start(self) -> None:
        """Return when it is alive and its gRPC port serves. Raises `TimeoutError` when it does not come to that."""
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._network.start(self._member)
        deadline = time.monotonic() + _START_SECONDS
        while not (self.alive() and self.serves_grpc()):
            if self.exit_code() is not None or time.monotonic() > deadline:
                raise TimeoutError(f"the node does not start; the end of its log:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.1)

    def kill(self) -> None:
        self._network.kill(self._member)

    def stop(self) -> int | None:
        """SIGTERM, and wait; returns the exit code."""
        self._network.down()
        return self.exit_code()

    def exit_code(self) -> int | None:
        return self._network.process(self._member).poll()

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self._url + path, timeout=5, trust_env=False)

    def alive(self) -> bool:
        """Whether the process runs and `/health` says so."""
        try:
            answer = self.get("/health")
        except httpx.TransportError:
            return False
        return (
            self.exit_code() is None and answer.status_code == 200 and answer.json() == {"alive": True, "problems": []}
        )

    def missing(self) -> list[dict[str, str]]:
        """What `/ready` says."""
        found: list[dict[str, str]] = self.get("/ready").json()["missing"]
        return found

    def serves_grpc(self) -> bool:
        """Whether gRPC's own health service says SERVING, asked with the node's own key."""
        credentials = NodeCredentials(NodeIdentity.of(self._member.key), SystemClock())
        with blocking_channel(credentials, self._member.public_key, f"{HOST}:{self.grpc_port}") as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            try:
                answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=2)
            except Exception:  # gRPC's errors have no common base that is public.
                return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def metric(self, name: str, label: str = "") -> dict[str, float]:
        """The samples of one metric by the value of a label, if it has one; a counter's name ends in `_total`."""
        return {
            sample.labels.get(label, ""): sample.value
            for family in text_string_to_metric_families(self.get("/metrics").text)
            for sample in family.samples
            if sample.name == name
        }

    def resident_bytes(self) -> int:
        return resident_memory_bytes(self._pid)

    def open_descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self._pid}/fd"))

    @property
    def _pid(self) -> int:
        return self._network.process(self._member).pid
