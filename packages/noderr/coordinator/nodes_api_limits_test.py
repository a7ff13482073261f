"""Too much, too often and too slow: what the nodes' port bounds, without a socket and on one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry

from noderr.coordinator.body_reader import MAX_BODY_BYTES, BodyReader
from noderr.coordinator.testing_nodes_api import STRANGER, Coordinator, example
from noderr.core.http_server import HttpService
from noderr.telemetry import NodeMetrics
from noderr.types.signing.errors import SignatureError
from noderr.types.wire.telemetry_pb2 import Signed

_SECONDS = 10


async def test_too_large(coordinator: Coordinator) -> None:
    assert (await coordinator.refused("telemetry", bytes(MAX_BODY_BYTES + 1)))[:2] == (413, "too-large")
    assert (await coordinator.refused("telemetry", bytes(MAX_BODY_BYTES)))[:2] == (400, "malformed")


async def test_too_large_without_a_length_is_seen_while_it_comes(coordinator: Coordinator) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1 << 16
            yield bytes(1 << 16)

    answer = await coordinator.client.post("/v1/telemetry", content=endless())
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
    assert sent <= MAX_BODY_BYTES + (2 << 16)


async def test_too_many_from_one_key(coordinator: Coordinator) -> None:
    answers = [await coordinator.post("peers", example("peers")) for _ in range(101)]
    assert [answer.status_code for answer in answers] == [200] * 100 + [429]
    assert answers[-1].json()["code"] == "too-many"
    assert int(answers[-1].headers["retry-after"]) >= 1
    # Others are heard, and so is this one after the time it was told.
    assert (await coordinator.refused("peers", example("peers", STRANGER)))[:2] == (403, "unknown-node")
    await coordinator.clock.advance(int(answers[-1].headers["retry-after"]))
    now_ns = coordinator.clock.now_ns()
    assert (await coordinator.post("peers", example("peers", at_ns=now_ns))).status_code == 200


async def test_who_has_no_key_cannot_use_up_a_nodes_share(coordinator: Coordinator) -> None:
    signed = Signed.FromString(example("peers"))
    signed.signature = bytes(64)
    for _ in range(150):
        assert (await coordinator.refused("peers", signed.SerializeToString()))[:2] == (401, "bad-signature")
    assert (await coordinator.post("peers", example("peers"))).status_code == 200


async def test_too_many_from_one_address_are_refused_before_their_signature_is_checked(
    coordinator: Coordinator, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = 0

    def count(*_arguments: object) -> None:
        nonlocal checked
        checked += 1
        raise SignatureError("not looked at")

    monkeypatch.setattr("noderr.coordinator.protocol.open_message", count)
    codes = [(await coordinator.refused("peers", example("peers")))[1] for _ in range(2003)]
    assert codes == ["bad-signature"] * 2000 + ["too-many"] * 3
    assert checked == 2000


class Served:
    """The API on a socket."""

    def __init__(self, coordinator: Coordinator) -> None:
        metrics = NodeMetrics(CollectorRegistry(), tier="coordinator", version="1.2.3")
        self._service = HttpService(coordinator.app, host="127.0.0.1", port=0, metrics=metrics, name="nodes")

    async def __aenter__(self) -> int:
        await self._service.start()
        self._task = asyncio.create_task(self._service.run())
        return self._service.bound_port

    async def __aexit__(self, *_exception: object) -> None:
        await self._service.stop()
        await asyncio.wait_for(self._task, _SECONDS)


async def talk(port: int, sent: bytes) -> bytes:
    """Send bytes as they are; return what is answered first."""
    async with asyncio.timeout(_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(sent)
            await writer.drain()
            return await reader.read(65536)
        finally:
            writer.close()


async def until(fits: Callable[[], bool]) -> None:
    async with asyncio.timeout(_SECONDS):
        while not fits():  # noqa: ASYNC110  (the reader has no events)
            await asyncio.sleep(0.005)


@pytest.fixture
def make(tmp_path: Path, executor: ThreadPoolExecutor) -> Callable[[BodyReader], Coordinator]:
    return lambda reader: Coordinator(tmp_path, executor, reader)


async def test_slow_clients_are_sent_away_and_others_served(make: Callable[[BodyReader], Coordinator]) -> None:
    reader = BodyReader(seconds=0.2)
    coordinator = make(reader)
    head = b"POST /v1/telemetry HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nx"
    async with Served(coordinator) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        slow = [asyncio.create_task(talk(port, head)) for _ in range(50)]
        answer = await client.post("/v1/peers", content=example("peers"))
        assert answer.status_code == 200
        for answered in await asyncio.gather(*slow):
            assert answered.startswith(b"HTTP/1.1 400")
            assert b"the body did not arrive within 0.2 s" in answered
        assert reader.held_bytes == 0
    coordinator.database.close()


async def test_all_bodies_together_are_bounded(make: Callable[[BodyReader], Coordinator]) -> None:
    reader = BodyReader(seconds=2, max_held_bytes=100_000)
    coordinator = make(reader)
    half = b"POST /v1/telemetry HTTP/1.1\r\nhost: x\r\ncontent-length: 60000\r\n\r\n" + bytes(59_000)
    async with Served(coordinator) as port:
        first = asyncio.create_task(talk(port, half))
        await until(lambda: reader.held_bytes >= 59_000)
        second = await talk(port, half)
        assert second.startswith(b"HTTP/1.1 503")
        assert b'"unavailable"' in second
        assert b"retry-after: 5" in second
        assert reader.held_bytes == 59_000
        first.cancel()
        await asyncio.wait([first])
        # Whoever hangs up gives its share back.
        await until(lambda: reader.held_bytes == 0)
    coordinator.database.close()


async def test_a_large_body_over_a_socket_gets_its_answer(coordinator: Coordinator) -> None:
    async with Served(coordinator) as port:
        head = b"POST /v1/telemetry HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n"
        answered = await talk(port, head)
        assert answered.startswith(b"HTTP/1.1 413")
        assert b'"too-large"' in answered


async def test_garbage_breaks_nothing(coordinator: Coordinator) -> None:
    garbage = [
        b"\x00" * 1000,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/telemetry HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST /v1/telemetry HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"POST /v1/telemetry HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n\xff\xff\xff\xff",
    ]
    async with Served(coordinator) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(5):
            for answered in await asyncio.gather(*(talk(port, one) for one in garbage)):
                assert answered.startswith(b"HTTP/1.1 400")
        assert (await client.post("/v1/peers", content=example("peers"))).status_code == 200
