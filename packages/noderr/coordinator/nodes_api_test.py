"""What nodes may say over HTTP, and what they are answered."""

from __future__ import annotations

import asyncio

import pytest

from noderr.coordinator.errors import StoreUnavailableError
from noderr.coordinator.registry import Enrolment
from noderr.coordinator.testing import KINDS, NOW_NS, ExampleNode, batch, peers_request, record
from noderr.coordinator.testing_nodes_api import COORDINATOR, NODE, Coordinator, example
from noderr.types.signing.errors import SignatureError
from noderr.types.signing.messages import open_message, parse_signed
from noderr.types.wire.telemetry_pb2 import BatchReply, HeartbeatReply, PeersReply


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
