"""The coordinator as its operator and its nodes have it, for tests: a real process, and the commands beside it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from noderr.coordinator.testing import ExampleNode, batch, record
from noderr.types.signing.messages import open_message, parse_signed
from noderr.types.wire.telemetry_pb2 import BatchReply

NODE = ExampleNode(1)
_START_SECONDS = 30
_MODULE = [sys.executable, "-m", "noderr.coordinator"]


class Coordinator:
    """A process that serves; its log and its errors go to `log`."""

    def __init__(self, environ: dict[str, str], log: Path) -> None:
        with log.open("wb") as file:
            self.process = subprocess.Popen(_MODULE, env=environ, stdout=file, stderr=file, stdin=subprocess.DEVNULL)
        try:
            ports = self._ports(log)
        except BaseException:
            self.end(signal.SIGKILL)
            raise
        self.http, self.nodes = (f"http://127.0.0.1:{ports[name]}" for name in ("http", "nodes"))

    def _ports(self, log: Path) -> dict[str, int]:
        """Once it listens everywhere."""
        ports: dict[str, int] = {}
        end = time.monotonic() + _START_SECONDS
        while len(ports) < 2:
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.02)
            # The last piece may be half a line.
            lines = [json.loads(line) for line in log.read_text().split("\n")[:-1]]
            ports = {line["service"]: line["port"] for line in lines if line["event"] == "listening"}
        return ports

    def post(self, path: str, body: bytes) -> httpx.Response:
        return httpx.post(f"{self.nodes}/v1/{path}", content=body, timeout=20)

    def telemetry(self, *sequences: int, node: ExampleNode = NODE) -> BatchReply:
        body = node.body("telemetry", batch(*map(record, sequences), at_ns=time.time_ns()))
        answer = self.post("telemetry", body)
        assert answer.status_code == 200, answer.text
        context = parse_signed(body).signature
        return open_message("telemetry reply", parse_signed(answer.content), BatchReply, context=context)

    def heartbeat(self, sequence: int) -> httpx.Response:
        return self.post("heartbeat", NODE.body("heartbeat", NODE.heartbeat(sequence, at_ns=time.time_ns())))

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.http}{path}", timeout=20)

    def network(self) -> dict[str, Any]:
        found: dict[str, Any] = self.get("/api/v1/network").json()
        return found

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(15)


class Machine:
    """A data directory, and the commands and processes that use it."""

    def __init__(self, folder: Path) -> None:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("NODEOS_")}
        self.environ = ours | {
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "NODEOS_HTTP_PORT": "0",
            "NODEOS_NODES_PORT": "0",
            "NODEOS_DATA_DIR": str(folder / "data"),
        }
        self.folder = folder
        self.running: list[Coordinator] = []

    def serve(self) -> Coordinator:
        self.running.append(Coordinator(self.environ, self.folder / f"log{len(self.running)}"))
        return self.running[-1]

    def end_all(self) -> None:
        for coordinator in self.running:
            if coordinator.process.poll() is None:
                coordinator.end(signal.SIGKILL)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*_MODULE, *arguments], env=self.environ, capture_output=True, text=True, timeout=30, check=False
        )

    def enrol(self, node: ExampleNode) -> None:
        done = self.run("enrol", "--public-key", node.public_key.hex(), "--tier", node.tier)
        assert done.returncode == 0, done.stderr


def wait_until(fits: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not fits():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
