"""What nodes may say over HTTP, and the exact word with which each bad message is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from noderr.coordinator.body_reader import MAX_BODY_BYTES, BodyReader
from noderr.coordinator.database import Database, sqlite_url
from noderr.coordinator.errors import StoreUnavailableError
from noderr.coordinator.node_store import NodeStore
from noderr.coordinator.nodes_api import CoordinatorMetrics, NodesApi
from noderr.coordinator.protocol import NodeProtocol
from noderr.coordinator.record_store import RecordStore
from noderr.coordinator.registry import Enrolment, Registry
from noderr.coordinator.testing import KINDS, NOW_NS, SECOND_NS, ExampleNode, batch, peers_request, record
from noderr.core.http_server import HttpService
from noderr.core.identity import NodeIdentity
from noderr.types.signing.errors import SignatureError
from noderr.types.signing.messages import open_message, parse_signed
from noderr.types.wire.telemetry_pb2 import BatchReply, HeartbeatReply, PeersReply, Signed
from noderr.utils import ManualClock

NODE = ExampleNode(1)
STRANGER = ExampleNode(9)
COORDINATOR = NodeIdentity.of(Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\xff"))
_SECONDS = 10


class Coordinator:
    """The nodes' API on a new database, without a socket."""

    def __init__(self, folder: Path, executor: ThreadPoolExecutor, reader: BodyReader | None = None) -> None:
        self.database = Database(sqlite_url(folder))
        self.registry = Registry(self.database)
        self.registry.enrol([Enrolment(NODE.public_key, NODE.tier)], NOW_NS)
        self.clock = ManualClock(NOW_NS)
        self.prometheus = CollectorRegistry()
        self.nodes, self.records = NodeStore(self.database), RecordStore(self.database)
        protocol = NodeProtocol(self.nodes, self.records, COORDINATOR, self.clock, heartbeat_seconds=15)
        self.app: ASGIApp = NodesApi(protocol, CoordinatorMetrics(self.prometheus), executor, reader=reader).app()
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://coordinator")

    async def post(self, path: str, body: bytes) -> httpx.Response:
        return await self.client.post(f"/v1/{path}", content=body)

    async def refused(self, path: str, body: bytes) -> tuple[int, str, str]:
        answer = await self.post(path, body)
        content = answer.json()
        return answer.status_code, content["code"], content["message"]

    def counted(self, kind: str, outcome: str) -> float | None:
        labels = {"kind": kind, "outcome": outcome}
        return self.prometheus.get_sample_value("noderr_coordinator_messages_total", labels)

    def stored(self) -> int:
        return len(self.records.recent(1000))


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


@pytest.fixture
async def coordinator(tmp_path: Path, executor: ThreadPoolExecutor) -> AsyncIterator[Coordinator]:
    made = Coordinator(tmp_path, executor)
    yield made
    await made.client.aclose()
    made.database.close()


async def test_a_heartbeat_is_answered_with_the_wished_version(coordinator: Coordinator) -> None:
    coordinator.registry.desire("oracle", "2.0.0")
    body = NODE.body("heartbeat", NODE.heartbeat(1))
    answer = await coordinator.post("heartbeat", body)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-protobuf")
    signed = parse_signed(answer.content)
    assert signed.public_key == COORDINATOR.public_key
    reply = open_message("heartbeat reply", signed, HeartbeatReply, context=parse_signed(body).signature)
    assert reply == HeartbeatReply(received_at_unix_ns=NOW_NS, desired_version="2.0.0", next_heartbeat_seconds=15)
    # It fits this request and no other.
    other = parse_signed(NODE.body("heartbeat", NODE.heartbeat(2))).signature
    with pytest.raises(SignatureError):
        open_message("heartbeat reply", signed, HeartbeatReply, context=other)


async def test_telemetry_is_acknowledged_each_time_and_counted_once(coordinator: Coordinator) -> None:
    body = NODE.body("telemetry", batch(record(1), record(2)))
    replies = []
    for _ in range(2):
        answer = await coordinator.post("telemetry", body)
        signed = parse_signed(answer.content)
        replies.append(open_message("telemetry reply", signed, BatchReply, context=parse_signed(body).signature))
    assert replies == [BatchReply(accepted_sequence=2, new_records=2), BatchReply(accepted_sequence=2)]
    assert (coordinator.counted("telemetry", "accepted"), coordinator.counted("telemetry", "duplicate")) == (1, 1)
    assert coordinator.prometheus.get_sample_value("noderr_coordinator_records_total") == 2
    assert coordinator.stored() == 2


async def test_copies_that_arrive_together(coordinator: Coordinator) -> None:
    body = NODE.body("telemetry", batch(*map(record, range(1, 51))))
    answers = await asyncio.gather(*(coordinator.post("telemetry", body) for _ in range(12)))
    new = [BatchReply.FromString(parse_signed(answer.content).payload).new_records for answer in answers]
    assert sorted(new) == [0] * 11 + [50]
    assert coordinator.stored() == 50


async def test_peers(coordinator: Coordinator) -> None:
    other = ExampleNode(2, "guardian")
    coordinator.registry.enrol([Enrolment(other.public_key, other.tier)], NOW_NS)
    await coordinator.post("heartbeat", other.body("heartbeat", other.heartbeat(1, address="other:1")))
    body = NODE.body("peers", peers_request())
    signed = parse_signed((await coordinator.post("peers", body)).content)
    reply = open_message("peers reply", signed, PeersReply, context=parse_signed(body).signature)
    (peer,) = reply.peers
    assert (peer.public_key, peer.tier, peer.address) == (other.public_key, "guardian", "other:1")


def example(path: str, node: ExampleNode = NODE, at_ns: int = NOW_NS) -> bytes:
    messages = {
        "heartbeat": node.heartbeat(1, at_ns=at_ns),
        "telemetry": batch(record(1), at_ns=at_ns),
        "peers": peers_request(at_ns),
    }
    return node.body(path, messages[path])


PATHS = pytest.mark.parametrize("path", sorted(KINDS))


@PATHS
async def test_bad_signature(coordinator: Coordinator, path: str) -> None:
    signed = Signed.FromString(example(path))
    signed.signature = bytes([signed.signature[0] ^ 1]) + signed.signature[1:]
    status, code, message = await coordinator.refused(path, signed.SerializeToString())
    assert (status, code) == (401, "bad-signature")
    assert NODE.public_key.hex() in message
    assert coordinator.counted(path, "refused") == 1


async def test_a_signature_for_another_purpose(coordinator: Coordinator) -> None:
    assert (await coordinator.refused("peers", example("heartbeat")))[:2] == (401, "bad-signature")


async def test_a_key_that_is_no_point(coordinator: Coordinator) -> None:
    signed = Signed.FromString(example("peers"))
    signed.public_key = b"\xff" * 32
    assert (await coordinator.refused("peers", signed.SerializeToString()))[:2] == (401, "bad-signature")


@PATHS
async def test_unknown_node(coordinator: Coordinator, path: str) -> None:
    status, code, message = await coordinator.refused(path, example(path, STRANGER))
    assert (status, code) == (403, "unknown-node")
    assert f"{STRANGER.node_id} is not enrolled" in message
    assert len(coordinator.nodes.all_nodes()) == 1


@PATHS
async def test_suspended_node(coordinator: Coordinator, path: str) -> None:
    coordinator.registry.suspend(NODE.node_id, suspended=True)
    status, code, message = await coordinator.refused(path, example(path))
    assert (status, code) == (403, "unknown-node")
    assert "is suspended" in message
    coordinator.registry.suspend(NODE.node_id, suspended=False)
    assert (await coordinator.post(path, example(path))).status_code == 200


@PATHS
@pytest.mark.parametrize(("seconds", "said"), [(-301, "2027-01-15 07:54:59 UTC"), (301, "2027-01-15 08:05:01 UTC")])
async def test_clock_skew(coordinator: Coordinator, path: str, seconds: int, said: str) -> None:
    status, code, message = await coordinator.refused(path, example(path, at_ns=NOW_NS + seconds * SECOND_NS))
    assert (status, code) == (400, "clock-skew")
    for part in (said, "2027-01-15 08:00:00 UTC", f"off by {seconds:+d} s", "NTP"):
        assert part in message


@PATHS
@pytest.mark.parametrize("seconds", [-300, 300])
async def test_a_clock_that_is_just_right_enough(coordinator: Coordinator, path: str, seconds: int) -> None:
    assert (await coordinator.post(path, example(path, at_ns=NOW_NS + seconds * SECOND_NS))).status_code == 200


@pytest.mark.parametrize("at_ns", [0, -(2**63), 2**63 - 1])
async def test_times_that_no_calendar_has(coordinator: Coordinator, at_ns: int) -> None:
    body = NODE.body("peers", peers_request(at_ns))
    assert (await coordinator.refused("peers", body))[:2] == (400, "clock-skew")


async def test_old_sequence(coordinator: Coordinator) -> None:
    for sequence, status in ((5, 200), (5, 409), (4, 409), (6, 200)):
        answer = await coordinator.post("heartbeat", NODE.body("heartbeat", NODE.heartbeat(sequence)))
        assert answer.status_code == status
        if status == 409:
            assert (answer.json()["code"], answer.json()["next_sequence"]) == ("old-sequence", 6)


async def test_sequence_conflict(coordinator: Coordinator) -> None:
    await coordinator.post("telemetry", NODE.body("telemetry", batch(record(1), record(2))))
    answer = await coordinator.post("telemetry", NODE.body("telemetry", batch(record(2, "other"), record(3))))
    assert answer.status_code == 409
    assert (answer.json()["code"], answer.json()["next_sequence"]) == ("sequence-conflict", 3)
    assert coordinator.stored() == 2


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


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff" * 100,
        b"GET / HTTP/1.1\r\n\r\n",
        Signed(public_key=bytes(31), payload=b"", signature=bytes(64)).SerializeToString(),
        Signed(public_key=bytes(32), payload=b"", signature=bytes(63)).SerializeToString(),
    ],
)
@PATHS
async def test_malformed_envelopes(coordinator: Coordinator, path: str, body: bytes) -> None:
    assert (await coordinator.refused(path, body))[:2] == (400, "malformed")


async def test_an_empty_batch(coordinator: Coordinator) -> None:
    status, code, message = await coordinator.refused("telemetry", NODE.body("telemetry", batch()))
    assert (status, code) == (400, "malformed")
    assert "no record" in message


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


async def test_unavailable(coordinator: Coordinator, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_arguments: object) -> None:
        raise StoreUnavailableError("the database does not answer as it should: connection refused to 10.0.0.1")

    with monkeypatch.context() as patch:
        patch.setattr(coordinator.database, "transaction", away)
        for path in KINDS:
            answer = await coordinator.post(path, example(path))
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            assert answer.headers["retry-after"] == "5"
            assert "10.0.0.1" not in answer.text  # Inner detail is for the log.
    assert coordinator.prometheus.get_sample_value("noderr_coordinator_store_up") == 0
    assert (await coordinator.post("telemetry", example("telemetry"))).status_code == 200
    assert coordinator.prometheus.get_sample_value("noderr_coordinator_store_up") == 1


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/peers", 405), ("POST", "/v1/other", 404)])
async def test_other_paths_and_methods(coordinator: Coordinator, method: str, path: str, status: int) -> None:
    answer = await coordinator.client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, "malformed")


class Served:
    """The API on a socket."""

    def __init__(self, coordinator: Coordinator) -> None:
        self._service = HttpService(coordinator.app, host="127.0.0.1", port=0, name="nodes")

    async def __aenter__(self) -> int:
        await self._service.start()
        self._task = asyncio.create_task(self._service.run())
        return self._service.bound_port

    async def __aexit__(self, *_exception: object) -> None:
        await self._service.stop()
        await asyncio.wait_for(self._task, _SECONDS)


async def talk(port: int, sent: bytes) -> bytes:
    """Send bytes as they are; return what is answered first."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        await writer.drain()
        return await asyncio.wait_for(reader.read(65536), _SECONDS)
    finally:
        writer.close()


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
        while reader.held_bytes < 59_000:  # noqa: ASYNC110  (the reader has no events)
            await asyncio.sleep(0.005)
        second = await talk(port, half)
        assert second.startswith(b"HTTP/1.1 503")
        assert b'"unavailable"' in second
        assert b"retry-after: 5" in second
        assert reader.held_bytes == 59_000
        first.cancel()
        await asyncio.wait([first])
        # Whoever hangs up gives its share back.
        while reader.held_bytes:  # noqa: ASYNC110  (the reader has no events)
            await asyncio.sleep(0.005)
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
