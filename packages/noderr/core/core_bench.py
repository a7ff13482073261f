"""Measures a node run from the checkout: start to serving, idle memory, the `health` command, and the stop.

    python -m noderr.core.core_bench [TIER ...]

Run it in the checkout's root with `packages` on PYTHONPATH. It uses free ports on loopback and a temporary directory.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from grpc_health.v1 import health_pb2, health_pb2_grpc

from noderr.core.identity import load_identity
from noderr.core.peers.credentials import NodeCredentials, blocking_channel
from noderr.core.process_memory import resident_memory_bytes
from noderr.utils import SystemClock

_STARTS = 5
_IDLE_SECONDS = 3.0


def measure(tier: str) -> None:
    """Start, watch and stop one tier's node several times and print medians."""
    runs = [_one_run(tier) for _ in range(_STARTS)]
    print(f"{tier}: medians of {_STARTS} runs")
    for name, unit in (("http", "s"), ("grpc", "s"), ("health", "s"), ("stop", "s"), ("memory", "MB"), ("cpu", "%")):
        values = [run[name] for run in runs]
        print(f"  {_LABELS[name]:<38} {statistics.median(values):8.3f} {unit}   (most {max(values):.3f})")


_LABELS = {
    "http": "start to /health 200",
    "grpc": "start to gRPC SERVING",
    "health": "the health command",
    "stop": "SIGTERM to exit",
    "memory": "idle resident memory",
    "cpu": "idle CPU, share of one core",
}


def _one_run(tier: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as data_dir:
        environ = os.environ | {"NODEOS_DATA_DIR": data_dir, "NODEOS_HTTP_PORT": "0", "NODEOS_GRPC_PORT": "0"}
        command = [sys.executable, "-m", f"tiers.{tier}.node"]
        began = time.perf_counter()
        with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) as node:
            ports = _ports(node)
            found = {}
            _wait_for_health(ports["http"])
            found["http"] = time.perf_counter() - began
            credentials = NodeCredentials(load_identity(Path(data_dir)), SystemClock())
            where = f"127.0.0.1:{ports['grpc']}"
            with blocking_channel(credentials, credentials.identity.public_key, where) as channel:
                stub: Any = health_pb2_grpc.HealthStub(channel)
                answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING, answer
            found["grpc"] = time.perf_counter() - began
            busy = cpu_seconds(node.pid)
            time.sleep(_IDLE_SECONDS)
            found["cpu"] = 100 * (cpu_seconds(node.pid) - busy) / _IDLE_SECONDS
            found["memory"] = resident_memory_bytes(node.pid) / 1e6
            asked = time.perf_counter()
            subprocess.run([*command, "health"], env=environ | {"NODEOS_HTTP_PORT": str(ports["http"])}, check=True)
            found["health"] = time.perf_counter() - asked
            told = time.perf_counter()
            node.send_signal(signal.SIGTERM)
            node.communicate()
            found["stop"] = time.perf_counter() - told
            assert node.returncode == 0, node.returncode
    return found


def _ports(node: subprocess.Popen[bytes]) -> dict[str, int]:
    """Read the log until both servers told their ports."""
    assert node.stdout is not None
    ports: dict[str, int] = {}
    while len(ports) < 2:
        line: dict[str, Any] = json.loads(node.stdout.readline())
        if line["event"] == "listening":
            ports[line["service"]] = line["port"]
    return ports


def _wait_for_health(port: int) -> None:
    status = 0
    while status != http.client.OK:  # 503 while services still start.
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/health")
        status = connection.getresponse().status
        connection.close()


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    for name in sys.argv[1:] or ("oracle", "guardian", "validator"):
        measure(name)
