"""An HTTP server for tests, in a thread of its own on a loop of the kind that nodes have, and what clients do to it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from types import TracebackType

import uvloop
from prometheus_client import CollectorRegistry
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from noderr.core.http_answers import Answer
from noderr.core.http_api import http_api
from noderr.core.http_limits import Cut, HttpLimits
from noderr.core.http_server import HttpService
from noderr.telemetry import NodeMetrics

SECONDS = 10.0
CHUNK = bytes(64 * 1024)
CHUNKS = 1000


class HttpServer:
    """Serves until the block ends. `chunks_sent` and `bodies_lost` tell how its two larger routes fare."""

    def __init__(self, limits: HttpLimits) -> None:
        self.chunks_sent = 0
        self.bodies_lost = 0
        self._registry = CollectorRegistry()
        metrics = NodeMetrics(self._registry, tier="oracle", version="1.2.3")
        routes = [
            Route("/echo", self._echo, methods=["POST"]),
            Route("/large", self._large),
            Route("/item/{item}", self._item),
            Route("/late", self._late, methods=["GET", "POST"]),
        ]
        api = http_api(metrics, {"/health": lambda: Answer.json("well")}, routes)
        self._service = HttpService(api, host="127.0.0.1", port=0, metrics=metrics, limits=limits)
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: uvloop.run(self._serve()), name="http-server")

    def __enter__(self) -> HttpServer:
        self._thread.start()
        assert self._started.wait(SECONDS), "the server has not started"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(SECONDS)
        assert not self._thread.is_alive(), "the server does not stop"

    def cuts(self) -> dict[Cut, int]:
        """How many connections were cut for each reason that there was."""
        name = "noderr_http_connections_cut_total"
        found = {
            cut: self._registry.get_sample_value(name, {"service": "http", "reason": cut.value}) or 0 for cut in Cut
        }
        return {cut: int(count) for cut, count in found.items() if count}

    def connect(self, receive_buffer: int = 0) -> socket.socket:
        client = socket.socket()
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(SECONDS)
        client.connect(("127.0.0.1", self._service.bound_port))
        return client

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        await self._service.start()
        serving = asyncio.create_task(self._service.run())
        self._started.set()
        await self._stopping.wait()
        await self._service.stop()
        await asyncio.wait_for(serving, SECONDS)

    async def _echo(self, request: Request) -> Response:
        try:
            return PlainTextResponse(str(len(await request.body())))
        except ClientDisconnect:
            self.bodies_lost += 1
            return Response()

    async def _large(self, _request: Request) -> Response:
        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(CHUNKS):
                yield CHUNK
                self.chunks_sent += 1
                await asyncio.sleep(0)  # So that it ends where the connection ends.

        return StreamingResponse(chunks())

    async def _item(self, request: Request) -> Response:
        return PlainTextResponse(request.path_params["item"])

    async def _late(self, request: Request) -> Response:
        await asyncio.sleep(float(request.query_params["seconds"]))
        return PlainTextResponse("done")


def head(path: str, *lines: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "host: x", *lines, "", ""]).encode()


def read_all(client: socket.socket) -> bytes:
    """What comes until the server ends the connection."""
    received = b""
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        while piece := client.recv(1 << 20):
            received += piece
    return received


def read_answers(client: socket.socket, count: int) -> list[tuple[int, bytes]]:
    """Status and body of the next answers, which all have a length."""
    with client.makefile("rb") as file:
        return [_read_answer(file) for _ in range(count)]


def _read_answer(file: Iterator[bytes]) -> tuple[int, bytes]:
    status = int(next(file).split()[1])
    length = 0
    while (line := next(file)) != b"\r\n":
        name, _, value = line.partition(b": ")
        length = int(value) if name == b"content-length" else length
    return status, file.read(length)  # type: ignore[attr-defined]  # it is a BufferedReader


def drip(client: socket.socket, endless: Iterator[bytes]) -> tuple[float, bytes]:
    """Send piece by piece until the server ends the connection; returns the seconds that took, and what it said."""
    began = time.monotonic()
    client.settimeout(0.02)
    received = b""
    for piece in endless:
        assert time.monotonic() - began < SECONDS, "the connection is not cut"
        try:
            client.sendall(piece)
            part = client.recv(65536)
        except TimeoutError:
            continue
        except (ConnectionResetError, BrokenPipeError):
            break
        if not part:
            break
        received += part
    return time.monotonic() - began, received


def is_open(client: socket.socket) -> bool:
    """Whether the server has left the connection open; says nothing of one with something to read."""
    client.setblocking(False)
    try:
        return client.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False
    finally:
        client.settimeout(SECONDS)
