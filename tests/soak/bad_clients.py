"""Clients that are slow, mad, absent or deaf, again and again for as long as the soak lasts."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections import Counter
from collections.abc import Awaitable, Callable
from types import TracebackType

_HOST = "127.0.0.1"
_REQUEST = b"GET /api/v1/node HTTP/1.1\r\nhost: node\r\n\r\n"
_STARTS = (
    b"",
    b"GET /",
    b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
)
_LIFE_SECONDS = 60.0
"""Longer than any limit of the server, which must be the one that ends a connection."""
_NUMBERS = {"slow": 60, "half_open": 60, "deaf": 8, "garbage": 6, "grpc_garbage": 4}


class BadClients:
    """`connections` counts by kind those that were made."""

    def __init__(self, http_port: int, grpc_port: int, randomness: random.Random) -> None:
        self.connections: Counter[str] = Counter()
        self._http_port = http_port
        self._grpc_port = grpc_port
        self._randomness = randomness
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> BadClients:
        kinds = {
            "slow": self._slow,
            "half_open": self._half_open,
            "deaf": self._deaf,
            "garbage": self._garbage,
            "grpc_garbage": self._grpc_garbage,
        }
        for kind, number in _NUMBERS.items():
            self._tasks += [asyncio.create_task(self._again(kind, kinds[kind])) for _ in range(number)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _again(self, kind: str, client: Callable[[socket.socket], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        port = self._grpc_port if kind == "grpc_garbage" else self._http_port
        while True:
            with socket.socket() as connection, contextlib.suppress(OSError, TimeoutError):
                connection.setblocking(False)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                await loop.sock_connect(connection, (_HOST, port))
                self.connections[kind] += 1
                async with asyncio.timeout(_LIFE_SECONDS):
                    await client(connection)
            await asyncio.sleep(self._randomness.uniform(0.05, 0.5))

    async def _slow(self, connection: socket.socket) -> None:
        """A byte a second."""
        loop = asyncio.get_running_loop()
        for byte in _REQUEST:
            await loop.sock_sendall(connection, bytes([byte]))
            await asyncio.sleep(1)

    async def _half_open(self, connection: socket.socket) -> None:
        """Begins something, and waits to be sent away; one in three goes without a goodbye instead."""
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(connection, self._randomness.choice(_STARTS))
        if self._randomness.random() < 1 / 3:
            await asyncio.sleep(self._randomness.uniform(0, 5))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # Reset, not FIN.
            return
        while await loop.sock_recv(connection, 4096):
            pass

    async def _deaf(self, connection: socket.socket) -> None:
        """Asks and asks, and reads nothing."""
        while True:
            await asyncio.get_running_loop().sock_sendall(connection, _REQUEST * 100)
            await asyncio.sleep(0.2)

    async def _garbage(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        noise = self._randomness.randbytes(self._randomness.randrange(1, 20_000))
        await loop.sock_sendall(connection, self._randomness.choice((b"", _REQUEST, b"POST / HTTP/1.1\r\n")) + noise)
        while await loop.sock_recv(connection, 4096):
            pass

    async def _grpc_garbage(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        start = self._randomness.choice((*_STARTS, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
        await loop.sock_sendall(connection, start + self._randomness.randbytes(self._randomness.randrange(5_000)))
        async with asyncio.timeout(self._randomness.uniform(0.1, 5)):  # gRPC keeps what is silent; we go.
            while await loop.sock_recv(connection, 4096):
                pass
