"""Clients that do what they should: closed loops over keep-alive connections, each answer checked and timed."""

from __future__ import annotations

import asyncio
import random
import time
from array import array
from collections import Counter
from collections.abc import Callable

import msgspec

from noderr.core.http_answers import Health

_SHARES = {"/health": 30, "/ready": 10, "/api/v1/node": 6, "/metrics": 2, "/": 2}
"""How often each is asked for, of fifty: probes most, as of a real node."""
_REQUESTS_A_CONNECTION = 1000
_ANSWER_SECONDS = 20.0


class _Ready(msgspec.Struct):
    ready: bool
    missing: tuple[dict[str, str], ...]


class _Identity(msgspec.Struct):
    node_id: str


class _Node(msgspec.Struct):
    tier: str
    identity: _Identity


class GoodClients:
    """`count` requests in all. `progress` is called with the number of answers so far, a hundred times in all."""

    def __init__(
        self, port: int, node_id: str, count: int, randomness: random.Random, progress: Callable[[int], None]
    ) -> None:
        self.statuses: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()
        self.seconds = {path: array("f") for path in _SHARES}
        self._port = port
        self._node_id = node_id
        self._left = count
        self._randomness = randomness
        self._paths, self._weights = list(_SHARES), list(_SHARES.values())
        self._progress = progress
        self._step = max(1, count // 100)

    async def run(self, connections: int) -> None:
        """Ask until all is asked for."""
        async with asyncio.TaskGroup() as group:
            for _ in range(connections):
                group.create_task(self._client())

    async def _client(self) -> None:
        while self._left > 0:
            try:
                await self._connection()
            except (OSError, EOFError, ValueError, TimeoutError) as error:
                self.wrong[f"{type(error).__name__}: {error}"] += 1

    async def _connection(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            for _ in range(_REQUESTS_A_CONNECTION):
                if self._left <= 0:
                    return
                self._left -= 1
                [path] = self._randomness.choices(self._paths, self._weights)
                began = time.perf_counter()
                writer.write(b"GET %b HTTP/1.1\r\nhost: node\r\n\r\n" % path.encode())
                async with asyncio.timeout(_ANSWER_SECONDS):
                    status, body = await _read_answer(reader)
                self._note(path, status, body, time.perf_counter() - began)
        finally:
            writer.close()

    def _note(self, path: str, status: int, body: bytes, seconds: float) -> None:
        self.statuses[f"{path} {status}"] += 1
        self.seconds[path].append(seconds)
        try:
            fine = self._is_fine(path, status, body)
        except ValueError:  # It is not even of the form of such an answer.
            fine = False
        if not fine:
            self.wrong[f"{path}: status {status}, {body[:80]!r}"] += 1
        if self._left % self._step == 0:
            self._progress(self.statuses.total())

    def _is_fine(self, path: str, status: int, body: bytes) -> bool:
        """Whether it is what this node must say. Raises `ValueError` when it cannot be read."""
        if path == "/health":
            return status == 200 and msgspec.json.decode(body, type=Health).alive
        if path == "/ready":
            ready = msgspec.json.decode(body, type=_Ready)
            return status == (200 if ready.ready else 503) and ready.ready != bool(ready.missing)
        if path == "/metrics":
            return status == 200 and b"noderr_build_info{" in body and body.endswith(b"\n")
        if path == "/":
            return status == 200 and self._node_id.encode() in body and body.rstrip().endswith(b"</html>")
        node = msgspec.json.decode(body, type=_Node)
        return status == 200 and (node.tier, node.identity.node_id) == ("guardian", self._node_id)


async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body. Raises `EOFError` or `ValueError` when this is no whole answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    _, found, rest = head.lower().partition(b"\r\ncontent-length: ")
    if not head.startswith(b"HTTP/1.1 ") or not found:
        raise ValueError(f"no answer with a length: {head[:80]!r}")
    return int(head[9:12]), await reader.readexactly(int(rest.partition(b"\r\n")[0]))
