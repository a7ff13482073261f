"""Each image runs as an operator should run it: nothing writable but its data, no rights, and it really serves."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from grpc_health.v1 import health_pb2, health_pb2_grpc

from noderr.core.identity import NodeIdentity
from noderr.core.peers import NodeCredentials, blocking_channel
from noderr.types import ImageManifest
from noderr.utils import SystemClock
from tests.image.archives import TIERS, Archive
from tests.image.engine import docker, inspect

HARDENING = (
    *("--read-only", "--user", "1001", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--tmpfs", "/tmp", "--memory", "512m", "--pids-limit", "128"),
)
KEY = bytes(range(32))
PYTHON = ("/usr/bin/python3.13", "-I", "-c")
# Memory that the engine mounts into every container, and no part of the image or the host.
ENGINE_MEMORY = {"/dev", "/dev/shm", "/dev/mqueue"}
FIND_WRITABLE = """
import json, os
found = []
for folder, folders, _ in os.walk("/"):
    folders[:] = [name for name in folders if os.path.join(folder, name) not in ("/proc", "/sys")]
    try:
        with open(os.path.join(folder, ".written-by-the-test"), "x"):
            found.append(folder)
    except OSError:
        continue
    os.remove(os.path.join(folder, ".written-by-the-test"))
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Running:
    """A container, and the ports of this machine that lead to its own, by name; `started` is monotonic seconds."""

    name: str
    manifest: ImageManifest
    ports: Mapping[str, int]
    started: float

    def seconds(self) -> float:
        return time.monotonic() - self.started


@pytest.fixture
def running(archive: Archive, image: str, name: str) -> Running:
    manifest = archive.manifest()
    ports = [word for port in manifest.ports.values() for word in ("--publish", f"127.0.0.1::{port}")]
    key = ("--env", f"NODEOS_NODE_KEY={KEY.hex()}")
    docker("run", "--detach", "--name", name, "--volume", f"{name}:/data", *HARDENING, *key, *ports, image)
    return _published(name, manifest)


def _published(name: str, manifest: ImageManifest) -> Running:
    started = time.monotonic()
    published = inspect("container", name)["NetworkSettings"]["Ports"]
    ports = {what: int(published[f"{port}/tcp"][0]["HostPort"]) for what, port in manifest.ports.items()}
    return Running(name, manifest, ports, started)


def _health(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def _wait_healthy(running: Running, seconds: float) -> None:
    while _health(running.ports["http"]) != 200:
        if running.seconds() > seconds:
            pytest.fail(f"/health is not 200 after {seconds} s:\n{docker('logs', running.name)}")
        time.sleep(0.02)


def _public_key(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/api/v1/node")
        return str(json.loads(connection.getresponse().read())["identity"]["public_key"])
    finally:
        connection.close()


def _serving(port: int, timeout: float) -> bool:
    # A node answers its peers and itself, so the test has its key.
    identity = NodeIdentity.of(Ed25519PrivateKey.from_private_bytes(KEY))
    credentials = NodeCredentials(identity, SystemClock())
    with blocking_channel(credentials, identity.public_key, f"127.0.0.1:{port}") as channel:
        grpc.channel_ready_future(channel).result(timeout=timeout)
        # The generated stub makes its methods when it is created, out of a type checker's sight.
        stub: Any = health_pb2_grpc.HealthStub(channel)
        answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=timeout)
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def test_runs_hardened(running: Running) -> None:
    _wait_healthy(running, 2)
    if "grpc" in running.ports:
        assert _serving(running.ports["grpc"], timeout=2)
    assert running.seconds() < 2

    writable = json.loads(docker("exec", running.name, *PYTHON, FIND_WRITABLE))
    assert {"/data", "/tmp"} <= set(writable)
    assert {path for path in writable if not path.startswith(("/data", "/tmp"))} <= ENGINE_MEMORY

    status = docker("exec", running.name, *PYTHON, "print(open('/proc/1/status').read())")
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert facts["Uid"].split() == ["1001"] * 4
    assert int(facts["CapEff"], 16) == int(facts["CapPrm"], 16) == 0
    assert facts["NoNewPrivs"] == "1"

    while inspect("container", running.name)["State"]["Health"]["Status"] == "starting" and running.seconds() < 30:
        time.sleep(0.2)
    assert inspect("container", running.name)["State"]["Health"]["Status"] == "healthy"


def test_sigterm_ends_it_with_zero(running: Running) -> None:
    _wait_healthy(running, 10)
    before = time.monotonic()
    docker("stop", "--time", "20", running.name)
    assert time.monotonic() - before < 10
    assert inspect("container", running.name)["State"]["ExitCode"] == 0


@pytest.mark.parametrize("archive", TIERS, indirect=True)
def test_it_keeps_its_identity_when_it_is_restarted(running: Running) -> None:
    _wait_healthy(running, 10)
    first = _public_key(running.ports["http"])
    docker("restart", "--time", "10", running.name)
    # The engine has published the ports anew, on other numbers.
    again = _published(running.name, running.manifest)
    _wait_healthy(again, 10)
    assert _public_key(again.ports["http"]) == first
