from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from noderr.core.errors import PortInUseError
from noderr.core.grpc_server import GrpcService
from noderr.core.peers.credentials import NodeCredentials, peer_channel
from noderr.core.peers.testing import identity
from noderr.core.status import ServiceState, StatusBoard
from noderr.core.vitals import Vitals
from noderr.utils import SystemClock

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Worker:
    """Just enough of a service for the board."""

    name = "worker"
    critical = True
    requires: tuple[str, ...] = ()

    async def start(self) -> None: ...
    async def run(self) -> None: ...
    async def stop(self) -> None: ...
    def missing(self) -> Sequence[str]:
        return ()


class Rig:
    """A running gRPC service and a client of it. The board has it and one worker, both running."""

    def __init__(self) -> None:
        self.board = StatusBoard()
        vitals = Vitals(self.board, loop_turning=lambda: True)
        self.credentials = NodeCredentials(identity(1), SystemClock())
        self.service = GrpcService(self.board, vitals, self.credentials, host="127.0.0.1", port=0, drain_seconds=5)
        for service in (self.service, Worker()):
            self.board.enrol(service)
            self.board.change(service.name, ServiceState.RUNNING)

    async def __aenter__(self) -> Rig:
        await self.service.start()
        self.running = asyncio.create_task(self.service.run())
        self.channel = peer_channel(
            self.credentials, self.credentials.identity.public_key, f"127.0.0.1:{self.service.bound_port}"
        )
        self.health: Any = health_pb2_grpc.HealthStub(self.channel)
        return self

    async def __aexit__(self, *_error: object) -> None:
        async with asyncio.timeout(5):
            await self.service.stop()
            await self.running
            await self.channel.close()

    async def status(self, name: str) -> int:
        answer: health_pb2.HealthCheckResponse = await self.health.Check(
            health_pb2.HealthCheckRequest(service=name), timeout=5
        )
        return answer.status


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with Rig() as rig:
        yield rig


async def test_health_is_serving_for_the_node_and_each_service(rig: Rig) -> None:
    assert [await rig.status(name) for name in ("", "grpc", "worker")] == [SERVING] * 3


async def test_unknown_service_is_not_found(rig: Rig) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await rig.status("nobody")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_watch_tells_each_change(rig: Rig) -> None:
    watch = rig.health.Watch(health_pb2.HealthCheckRequest(service="worker"), timeout=5)
    assert (await watch.read()).status == SERVING
    rig.board.change("worker", ServiceState.RESTARTING, "went wrong")
    assert (await watch.read()).status == NOT_SERVING
    assert await rig.status("") == NOT_SERVING
    rig.board.change("worker", ServiceState.RUNNING)
    assert (await watch.read()).status == SERVING
    watch.cancel()


async def test_reflection_lists_services(rig: Rig) -> None:
    channel: Any = rig.channel  # The stub takes both kinds; its type stubs know one.
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    answers = [answer async for answer in stub.ServerReflectionInfo(iter([request]), timeout=5)]
    listed = {service.name for service in answers[0].list_services_response.service}
    assert listed == {"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


async def test_open_watch_does_not_hold_up_the_stop() -> None:
    async with Rig() as rig:
        watch = rig.health.Watch(health_pb2.HealthCheckRequest(), timeout=30)
        assert (await watch.read()).status == SERVING
        began = asyncio.get_running_loop().time()
        await rig.service.stop()
        assert asyncio.get_running_loop().time() - began < 2
        assert (await watch.read()).status == NOT_SERVING


async def test_port_in_use_is_a_typed_error_that_names_it() -> None:
    board = StatusBoard()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        vitals = Vitals(board, loop_turning=lambda: True)
        credentials = NodeCredentials(identity(1), SystemClock())
        service = GrpcService(board, vitals, credentials, host="127.0.0.1", port=port, drain_seconds=1)
        with pytest.raises(PortInUseError, match=f"TCP port {port} on 127.0.0.1 is in use.*NODEOS_GRPC_PORT"):
            await service.start()
