"""The exact word with which each bad message is refused."""

from __future__ import annotations

import pytest

from noderr.coordinator.testing import KINDS, NOW_NS, SECOND_NS, batch, peers_request, record
from noderr.coordinator.testing_nodes_api import NODE, STRANGER, Coordinator, example
from noderr.types.wire.telemetry_pb2 import Signed

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
