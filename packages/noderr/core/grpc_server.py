"""The gRPC server as a service: mutual TLS by node keys, `grpc.health.v1` for the node and each of its services,
reflection, and what the node's own services offer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import SERVICE_NAME as HEALTH_SERVICE
from grpc_health.v1.health import aio as health_aio
from grpc_reflection.v1alpha import reflection

from noderr.core.errors import BindError
from noderr.core.peers.credentials import SERVER_OPTIONS, NodeCredentials
from noderr.core.ports import bind_tcp
from noderr.core.status import ServiceState, ServiceStatus, StatusBoard
from noderr.core.vitals import Vitals

_log = structlog.get_logger("noderr.core.grpc")

_Answer = health_pb2.HealthCheckResponse
type Registrar = Callable[[grpc.aio.Server], str]
"""Adds a service to the server and returns its full name, for reflection."""

NODE = ""
"""The name under which the health service knows the whole node."""


class _Health(health_aio.HealthServicer):
    """The library's servicer, but open watches end with the server instead of holding it up."""

    def __init__(self) -> None:
        super().__init__()
        self._closing = asyncio.Event()

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        watch = asyncio.ensure_future(super().Watch(request, context))
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait({watch, closing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            watch.cancel()
            closing.cancel()

    async def enter_graceful_shutdown(self) -> None:
        await super().enter_graceful_shutdown()
        self._closing.set()


class GrpcService:
    """Serves gRPC. `port` 0 takes a free one; `bound_port` tells which. Open calls get `drain_seconds` to end."""

    name = "grpc"
    critical = True
    requires: tuple[str, ...] = ()

    def __init__(
        self,
        board: StatusBoard,
        vitals: Vitals,
        credentials: NodeCredentials,
        registrars: Sequence[Registrar] = (),
        *,
        host: str,
        port: int,
        drain_seconds: float,
    ) -> None:
        self._board = board
        self._vitals = vitals
        self._credentials = credentials
        self._registrars = tuple(registrars)
        self._host = host
        self._port = port
        self._drain_seconds = drain_seconds
        self._changed = asyncio.Event()
        self._server: grpc.aio.Server | None = None
        self._health = _Health()
        self.bound_port = 0
        board.subscribe(self._on_change)

    async def start(self) -> None:
        """Bind and listen. Raises `BindError`."""
        # gRPC tells that a port is refused, not why. Our own binding tells, and is let go for gRPC's.
        bind_tcp(self._host, self._port, setting="NODEOS_GRPC").close()
        self._health = _Health()
        self._server = grpc.aio.server(options=SERVER_OPTIONS)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = [register(self._server) for register in self._registrars]
        reflection.enable_server_reflection((HEALTH_SERVICE, reflection.SERVICE_NAME, *names), self._server)
        host = f"[{self._host}]" if ":" in self._host else self._host
        try:
            self.bound_port = self._server.add_secure_port(f"{host}:{self._port}", self._credentials.server())
        except RuntimeError as error:
            raise BindError(f"TCP port {self._port} on {host} is refused by gRPC: set NODEOS_GRPC_PORT") from error
        await self._publish()
        await self._server.start()
        _log.info("listening", service=self.name, host=self._host, port=self.bound_port)

    async def run(self) -> None:
        assert self._server is not None, "not started"
        publisher = asyncio.create_task(self._publish_changes())
        ended = asyncio.create_task(self._server.wait_for_termination())
        try:
            done, _ = await asyncio.wait({publisher, ended}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            publisher.cancel()
            ended.cancel()

    async def stop(self) -> None:
        if self._server is not None:
            await self._health.enter_graceful_shutdown()
            await self._server.stop(self._drain_seconds)

    def missing(self) -> Sequence[str]:
        return ()

    def _on_change(self, _status: ServiceStatus) -> None:
        self._changed.set()

    async def _publish_changes(self) -> None:
        while True:
            await self._changed.wait()
            await self._publish()

    async def _publish(self) -> None:
        self._changed.clear()
        await self._health.set(NODE, _answer(not self._vitals.problems()))
        for status in self._board.statuses():
            await self._health.set(status.name, _answer(status.state is ServiceState.RUNNING))


def _answer(serving: bool) -> int:
    return _Answer.SERVING if serving else _Answer.NOT_SERVING
