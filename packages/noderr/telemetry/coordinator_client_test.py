"""Which answers of a coordinator are believed, over real sockets: those alone that its key signed for this request."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from noderr.telemetry.coordinator_client import CoordinatorClient
from noderr.telemetry.errors import RefusedError, UnreachableError, UntrustedError
from noderr.telemetry.testing import (
    NODE_KEY,
    NOW_NS,
    STRANGER_KEY,
    Fault,
    LoopbackCoordinator,
    http_answer,
    refusal,
    signed_answer,
)
from noderr.telemetry.testing_faults import breaks, floods, hangs, says, signs, trickles, truncates
from noderr.types.wire.telemetry_pb2 import (
    Batch,
    BatchReply,
    Heartbeat,
    HeartbeatReply,
    PeerAddress,
    PeersReply,
    PeersRequest,
    Record,
)

REPLY = HeartbeatReply(received_at_unix_ns=NOW_NS, next_heartbeat_seconds=15)
SECONDS = 0.4


@pytest.fixture
async def coordinator() -> AsyncIterator[LoopbackCoordinator]:
    async with LoopbackCoordinator() as coordinator:
        yield coordinator


@pytest.fixture
async def client(coordinator: LoopbackCoordinator) -> AsyncIterator[CoordinatorClient]:
    async with CoordinatorClient(
        coordinator.url + "/", NODE_KEY, coordinator.public_key, timeout_seconds=SECONDS
    ) as client:
        yield client


def beat(sequence: int = 1) -> Heartbeat:
    return Heartbeat(sequence=sequence, sent_at_unix_ns=NOW_NS)


async def test_each_request_gets_its_own_reply(coordinator: LoopbackCoordinator, client: CoordinatorClient) -> None:
    coordinator.peers = [PeerAddress(public_key=bytes(32), tier="oracle", address="one:1")]
    assert await client.heartbeat(beat()) == REPLY
    assert await client.telemetry(Batch(records=[Record(sequence=7)])) == BatchReply(accepted_sequence=7, new_records=1)
    assert await client.peers(PeersRequest()) == PeersReply(peers=coordinator.peers)
    assert [request.path for request in coordinator.requests] == ["heartbeat", "telemetry", "peers"]


async def test_a_request_says_what_it_is_and_wants_no_compression(
    coordinator: LoopbackCoordinator, client: CoordinatorClient
) -> None:
    await client.heartbeat(beat())
    [request] = coordinator.requests
    assert request.headers["content-type"] == "application/x-protobuf"
    # The answer's bytes are read as they come: a proxy that compressed them would make a refusal unreadable.
    assert request.headers["accept-encoding"] == "identity"


async def test_without_a_key_whoever_answers_is_believed_and_still_for_this_request_only(
    coordinator: LoopbackCoordinator,
) -> None:
    async with CoordinatorClient(coordinator.url, NODE_KEY) as client:
        coordinator.faults["heartbeat"].extend(
            [
                signs("heartbeat reply", REPLY, key=STRANGER_KEY),
                signs("heartbeat reply", REPLY, key=STRANGER_KEY, context=bytes(64)),
            ]
        )
        assert await client.heartbeat(beat(1)) == REPLY
        with pytest.raises(UntrustedError, match="did not sign this heartbeat reply"):
            await client.heartbeat(beat(2))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (signs("heartbeat reply", REPLY, key=STRANGER_KEY), "NODEOS_COORDINATOR_KEY is .*not this network's"),
        (signs("peers reply", REPLY), "did not sign this heartbeat reply"),
        (signs("heartbeat", REPLY), "did not sign this heartbeat reply"),
        (signs("heartbeat reply", REPLY, context=b""), "did not sign this heartbeat reply"),
        (signs("heartbeat reply", REPLY, context=bytes(64)), "did not sign this heartbeat reply"),
        (says(http_answer(200, b"")), "public_key has 0 bytes"),
        (says(http_answer(200, b"\xff" * 100)), "the 100 bytes are no signed message"),
        (says(http_answer(200, b"<html>Log in</html>", content_type="text/html")), "no signed message"),
        (says(refusal(200, "old-sequence")), "no signed message"),
    ],
)
async def test_an_answer_that_is_not_the_coordinators_own(
    coordinator: LoopbackCoordinator, client: CoordinatorClient, fault: Fault, reason: str
) -> None:
    coordinator.faults["heartbeat"].append(fault)
    with pytest.raises(UntrustedError, match=reason):
        await client.heartbeat(beat())
    assert await client.heartbeat(beat()) == REPLY


async def test_signed_bytes_that_are_no_reply(coordinator: LoopbackCoordinator, client: CoordinatorClient) -> None:
    # A field of a HeartbeatReply that cannot be read: `desired_version` is text, and this is no UTF-8.
    broken = PeersRequest.FromString(b"\x12\x02\xff\xff")
    coordinator.faults["heartbeat"].append(signs("heartbeat reply", broken))
    with pytest.raises(UntrustedError, match="no HeartbeatReply"):
        await client.heartbeat(beat())


async def test_a_true_answer_does_not_fit_a_later_request(
    coordinator: LoopbackCoordinator, client: CoordinatorClient
) -> None:
    await client.heartbeat(beat(1))
    old = signed_answer("heartbeat reply", REPLY, coordinator.requests[0].signature)
    coordinator.faults["heartbeat"].append(says(old))
    with pytest.raises(UntrustedError, match="did not sign this heartbeat reply"):
        await client.heartbeat(beat(2))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (breaks, "does not answer: RemoteProtocolError"),
        (truncates(), "does not answer: RemoteProtocolError"),
        (truncates(kept=10), "does not answer: RemoteProtocolError"),
        (says(b"\x00\xff\x16\x03\x01garbage\r\n\r\n"), "does not answer: RemoteProtocolError"),
        (hangs, f"does not answer within {SECONDS} s"),
        (trickles, f"does not answer within {SECONDS} s"),
        (floods, "answers with more than 1048576 bytes"),
        (says(http_answer(200, bytes((1 << 20) + 1))), "answers with more than 1048576 bytes"),
        (says(http_answer(500, b"Internal Server Error", content_type="text/plain")), "answers 500, and not as"),
        (says(http_answer(404, b"<html>", content_type="text/html")), "answers 404, and not as"),
        (says(http_answer(409, b'{"code": "old-sequence"}')), "answers 409, and not as"),
        (says(http_answer(409, b'{"code":"old-sequence","message":"","next_sequence":-1}')), "answers 409, and not"),
        (says(refusal(409, "old-sequence", next_sequence=1 << 63)), "answers 409, and not as"),
    ],
)
async def test_no_answer_or_none_of_a_coordinators(
    coordinator: LoopbackCoordinator, client: CoordinatorClient, fault: Fault, reason: str
) -> None:
    coordinator.faults["heartbeat"].append(fault)
    began = time.monotonic()
    with pytest.raises(UnreachableError, match=reason):
        await client.heartbeat(beat())
    assert time.monotonic() - began < SECONDS + 1
    assert await client.heartbeat(beat(2)) == REPLY


async def test_nobody_listens() -> None:
    async with LoopbackCoordinator() as coordinator:
        pass
    async with CoordinatorClient(coordinator.url, NODE_KEY) as client:
        with pytest.raises(UnreachableError, match="/v1/heartbeat does not answer: ConnectError"):
            await client.heartbeat(beat())


async def test_a_redirect_is_not_followed(coordinator: LoopbackCoordinator, client: CoordinatorClient) -> None:
    elsewhere = http_answer(307, b"", location=f"{coordinator.url}/v1/heartbeat")
    coordinator.faults["heartbeat"].append(says(elsewhere))
    with pytest.raises(UnreachableError, match="answers 307, and not as a coordinator does"):
        await client.heartbeat(beat())
    assert coordinator.asked("heartbeat") == 1


@pytest.mark.parametrize(
    ("status", "code", "next_sequence"),
    [
        (401, "bad-signature", 0),
        (403, "unknown-node", 0),
        (400, "clock-skew", 0),
        (409, "old-sequence", 12),
        (409, "sequence-conflict", (1 << 63) - 1),
        (413, "too-large", 0),
        (400, "malformed", 0),
    ],
)
async def test_refusals_are_typed(
    coordinator: LoopbackCoordinator, client: CoordinatorClient, status: int, code: str, next_sequence: int
) -> None:
    coordinator.faults["telemetry"].append(says(refusal(status, code, next_sequence=next_sequence)))
    with pytest.raises(RefusedError, match=f"{code}: because of {code}") as caught:
        await client.telemetry(Batch())
    assert (caught.value.code, caught.value.next_sequence, caught.value.retry_seconds) == (code, next_sequence, 0)


@pytest.mark.parametrize(("said", "seconds"), [("7", 7), ("soon", 0), ("-7", 0), ("", 0), ("1.5", 0)])
async def test_how_long_a_refusal_asks_to_wait(
    coordinator: LoopbackCoordinator, client: CoordinatorClient, said: str, seconds: float
) -> None:
    coordinator.faults["heartbeat"].append(says(refusal(429, "too-many", retry_after=said)))
    with pytest.raises(RefusedError) as caught:
        await client.heartbeat(beat())
    assert caught.value.retry_seconds == seconds
