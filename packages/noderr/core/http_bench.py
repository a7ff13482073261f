"""Measures the node's HTTP server against bare granian + starlette in the same run: requests per second of a core.

    python -m noderr.core.http_bench [--seconds N] [--connections N]

Run it in the checkout's root with `packages` on PYTHONPATH. What counts is the processor time of the server, so
that a busy machine disturbs little; rounds alternate, and the ratio is taken pair by pair. Everything is on loopback.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from noderr.core.core_bench import cpu_seconds

_ROUNDS = 5

_BARE = """
import sys
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

BODY = b'{"alive":true,"problems":[]}'

async def health(request):
    return Response(BODY, 200, {"cache-control": "no-store"}, "application/json")

app = Starlette(routes=[Route("/health", health)])

if __name__ == "__main__":
    from granian import Granian
    from granian.constants import Interfaces
    Granian("bare:app", address="127.0.0.1", port=int(sys.argv[1]), interface=Interfaces.ASGI, workers=1,
            log_enabled=False, websockets=False).serve()
"""


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a round (default: 2)")
    parser.add_argument("--connections", type=int, default=16, help="keep-alive connections at once (default: 16)")
    parser.add_argument("--path", default="/health", help="what is asked of the node (default: /health)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bare_port, node_port = _free_port(), _free_port()
        with open(os.path.join(folder, "bare.py"), "w", encoding="utf-8") as file:
            file.write(_BARE)
        environ = os.environ | {"NODEOS_DATA_DIR": folder, "NODEOS_HTTP_PORT": str(node_port), "NODEOS_GRPC_PORT": "0"}
        bare = subprocess.Popen([sys.executable, "bare.py", str(bare_port)], cwd=folder)
        node = subprocess.Popen([sys.executable, "-m", "tiers.guardian.node"], env=environ, stdout=subprocess.DEVNULL)
        try:
            measure(Server(bare.pid, bare_port, "/health"), Server(node.pid, node_port, options.path), options)
        finally:
            for server in (bare, node):
                server.terminate()
                server.wait(15)
    return 0


@dataclass(frozen=True)
class Server:
    """A process (and its children) that serves, and what is asked of it."""

    pid: int
    port: int
    path: str

    def requests_per_core_second(self, seconds: float, connections: int) -> float:
        busy = self._busy_seconds()
        answered = load(self.port, self.path, seconds, connections)
        return answered / (self._busy_seconds() - busy)

    def _busy_seconds(self) -> float:
        return sum(cpu_seconds(pid) for pid in _family(self.pid))


def measure(bare: Server, node: Server, options: argparse.Namespace) -> None:
    """Print medians of several rounds."""
    for server in (bare, node):
        _wait_for(server.port)
        load(server.port, server.path, 0.5, options.connections)
    pairs = [
        tuple(server.requests_per_core_second(options.seconds, options.connections) for server in (bare, node))
        for _ in range(_ROUNDS)
    ]
    ratios = [ours / theirs for theirs, ours in pairs]
    print(f"bare granian + starlette  {statistics.median(pair[0] for pair in pairs):8.0f} requests per core second")
    print(f"node {node.path:<20} {statistics.median(pair[1] for pair in pairs):8.0f} requests per core second")
    print(f"ratio {statistics.median(ratios):.2f} (least {min(ratios):.2f}, most {max(ratios):.2f})")


def load(port: int, path: str, seconds: float, connections: int) -> int:
    """Ask for `path` over keep-alive connections, one open request each, and return the number of answers."""
    request = f"GET {path} HTTP/1.1\r\nhost: node\r\n\r\n".encode()
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
    try:
        for client in clients:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answered, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds:
            for client in clients:
                client.sendall(request)
            for client in clients:
                _read_answer(client)
            answered += len(clients)
        return answered
    finally:
        for client in clients:
            client.close()


def _read_answer(client: socket.socket) -> None:
    received = client.recv(65536)
    head, found, body = received.partition(b"\r\n\r\n")
    while not found:
        received += client.recv(65536)
        head, found, body = received.partition(b"\r\n\r\n")
    lowered = head.lower()
    length = int(lowered.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    left = length - len(body)
    while left > 0:
        left -= len(client.recv(65536))


def _family(pid: int) -> Iterator[int]:
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from _family(int(child))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
