from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from noderr.core.peer_address import PeerAddress
from noderr.core.peers.certificates import anchor, server_name
from noderr.core.peers.credentials import MAX_MESSAGE_BYTES, NodeCredentials, peer_channel
from noderr.core.peers.errors import (
    MessageRefusedError,
    PeerError,
    PeerListError,
    PeerRefusedError,
    PeerUnavailableError,
    UnknownPeerError,
)
from noderr.core.peers.testing import PeerNode, connected, identity, until
from noderr.core.process_memory import resident_memory_bytes
from noderr.types.wire.node_pb2 import Envelope, Frame, HelloRequest
from noderr.types.wire.node_pb2_grpc import PeerStub
from noderr.utils import SystemClock

os.environ.setdefault("GRPC_VERBOSITY", "NONE")


@pytest.fixture
async def pair() -> AsyncIterator[tuple[PeerNode, PeerNode]]:
    first, second = PeerNode(1), PeerNode(2, "guardian")
    async with connected(first, second):
        yield first, second


async def test_peers_know_each_other_by_key(pair: tuple[PeerNode, PeerNode]) -> None:
    first, second = pair
    [seen] = first.network.describe()
    assert (seen.node_id, seen.tier, seen.version, seen.ready) == (second.identity.node_id, "guardian", "1.2.3", True)
    assert seen.round_trip_seconds is not None
    assert seen.last_seen_at is not None
    assert first.network.missing() == ()
    assert first.sample("noderr_peers_connected") == first.sample("noderr_peers_configured") == 1
    assert first.sample("noderr_peer_up", peer=second.identity.node_id) == 1
    assert first.sample("noderr_peer_round_trip_seconds_count") >= 1


async def test_message_reaches_its_handler_with_its_sender(pair: tuple[PeerNode, PeerNode]) -> None:
    first, second = pair
    got: list[tuple[str, bytes]] = []

    async def take(sender: str, payload: bytes) -> None:
        got.append((sender, payload))

    second.network.on("signal.proposed", take)
    for number in range(50):
        await first.network.send(second.identity.node_id, "signal.proposed", b"%d" % number)
    assert got == [(first.identity.node_id, b"%d" % number) for number in range(50)]
    assert first.network.broadcast("signal.proposed", b"all", tier="guardian") == 1
    assert first.network.broadcast("signal.proposed", b"all", tier="validator") == 0
    await until(lambda: len(got) == 51)
    await until(lambda: first.sample("noderr_peer_sent_total", peer=second.identity.node_id, outcome="delivered") == 51)
    assert second.sample("noderr_peer_received_total", peer=first.identity.node_id, outcome="taken") == 51


async def test_refusals_tell_the_sender_what_it_may_know(pair: tuple[PeerNode, PeerNode]) -> None:
    first, second = pair

    async def refuse(_sender: str, _payload: bytes) -> None:
        raise MessageRefusedError("round 3 is over")

    async def fail(_sender: str, _payload: bytes) -> None:
        raise RuntimeError("inner detail")

    second.network.on("vote.cast", refuse)
    second.network.on("vote.broken", fail)
    for topic, code, words in (
        ("vote.unknown", "UNIMPLEMENTED", "nothing here takes topic 'vote.unknown'"),
        ("vote.cast", "INVALID_ARGUMENT", "round 3 is over"),
        ("vote.broken", "INTERNAL", "the handler failed"),
    ):
        with pytest.raises(PeerRefusedError, match=words) as caught:
            await first.network.send(second.identity.node_id, topic, b"")
        assert caught.value.code == code
        assert "inner detail" not in str(caught.value)
    assert second.sample("noderr_peer_received_total", peer=first.identity.node_id, outcome="refused") == 3


async def test_rate_limit_refuses_and_lets_go_again(pair: tuple[PeerNode, PeerNode]) -> None:
    first, second = pair

    async def take(_sender: str, _payload: bytes) -> None: ...

    second.network.on("flood", take)
    sends = [first.network.send(second.identity.node_id, "flood", b"") for _ in range(1000)]
    began = time.monotonic()
    results = await asyncio.gather(*sends, return_exceptions=True)
    most = 400 + 200 * (time.monotonic() - began)
    limited = [error for error in results if error is not None]
    assert 300 < len(results) - len(limited) <= most
    assert limited
    assert {getattr(error, "code", error) for error in limited} == {"RESOURCE_EXHAUSTED"}
    assert second.sample("noderr_peer_received_total", peer=first.identity.node_id, outcome="limited") == len(limited)
    await asyncio.sleep(0.1)
    await first.network.send(second.identity.node_id, "flood", b"")


async def test_message_that_is_too_large_is_refused_on_both_sides(pair: tuple[PeerNode, PeerNode]) -> None:
    first, second = pair
    with pytest.raises(PeerRefusedError, match="bytes; at most"):
        await first.network.send(second.identity.node_id, "signal", b"x" * MAX_MESSAGE_BYTES)
    leaf = first.credentials.leaf()
    tls = grpc.ssl_channel_credentials(anchor(second.identity.public_key), leaf.key_pem, leaf.certificate_pem)
    options = [("grpc.ssl_target_name_override", server_name(second.identity.public_key))]
    async with grpc.aio.secure_channel(f"127.0.0.1:{second.port}", tls, options=options) as unlimited:
        call = PeerStub(unlimited).Stream(timeout=5)
        await call.write(Frame(messages=[Envelope(topic="signal", payload=b"x" * (MAX_MESSAGE_BYTES + 1))]))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_stranger_cannot_even_ask_for_health(pair: tuple[PeerNode, PeerNode]) -> None:
    first, _ = pair
    stranger = NodeCredentials(identity(9), SystemClock())
    where = f"127.0.0.1:{first.port}"
    async with peer_channel(stranger, first.identity.public_key, where) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Check(health_pb2.HealthCheckRequest(), timeout=3)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    async with grpc.aio.insecure_channel(where) as plain:
        with pytest.raises(grpc.aio.AioRpcError):
            await PeerStub(plain).Hello(HelloRequest(), timeout=3)


async def test_own_key_may_ask_for_health(pair: tuple[PeerNode, PeerNode]) -> None:
    first, _ = pair
    async with peer_channel(first.credentials, first.identity.public_key, f"127.0.0.1:{first.port}") as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=3)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_peer_with_a_wrong_key_is_not_talked_to() -> None:
    first, second = PeerNode(1), PeerNode(2)
    await first.listen()
    await second.listen()
    try:
        await first.connect([PeerAddress(identity(3).public_key, "127.0.0.1", second.port)])
        await until(lambda: "not tried" not in str(first.network.describe()[0].problem))
        [seen] = first.network.describe()
        assert not seen.connected
        assert "unavailable" in str(seen.problem)
        assert first.network.missing()[0].startswith("0 of 1 peers answer, a quorum needs 1: no answer from ")
        with pytest.raises(PeerUnavailableError):
            await first.network.send(seen.node_id, "signal", b"")
    finally:
        await first.close()
        await second.close()


async def test_peer_that_is_restarted_is_connected_again(pair: tuple[PeerNode, PeerNode]) -> None:
    first, second = pair
    await second.close()
    await until(lambda: not first.network.describe()[0].connected)
    again = PeerNode(2, "guardian")
    again.port = second.port
    await again.listen()
    try:
        await again.connect([first.address])
        await until(lambda: first.network.describe()[0].connected)
    finally:
        await again.close()


async def test_peer_taken_off_the_list_is_not_heard_any_more(pair: tuple[PeerNode, PeerNode]) -> None:
    first, second = pair
    first.network.update([])
    assert first.network.describe() == ()
    # Its connection from before is still open; the call is refused all the same.
    with pytest.raises(PeerError):
        await second.network.send(first.identity.node_id, "signal", b"")
    await until(lambda: not second.network.describe()[0].connected)
    assert first.sample("noderr_peers_configured") == 0
    first.network.update([second.address])
    await until(lambda: second.network.describe()[0].connected)


@contextlib.asynccontextmanager
async def silent_server() -> AsyncIterator[int]:
    """Takes connections and never says a word: a half-open peer."""
    writers: list[asyncio.StreamWriter] = []

    async def take(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()


async def test_dead_and_half_open_peers_do_not_delay_others(pair: tuple[PeerNode, PeerNode]) -> None:
    first, second = pair
    got: list[float] = []

    async def take(_sender: str, _payload: bytes) -> None:
        got.append(time.monotonic())

    second.network.on("tick", take)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        dead_port = closed.getsockname()[1]
    async with silent_server() as silent_port:
        half_open = PeerAddress(identity(7).public_key, "127.0.0.1", silent_port)
        dead = PeerAddress(identity(8).public_key, "127.0.0.1", dead_port)
        first.network.update([second.address, half_open, dead])
        slowest = 0.0
        for _ in range(100):
            began = time.monotonic()
            await first.network.send(second.identity.node_id, "tick", b"")
            slowest = max(slowest, time.monotonic() - began)
            await asyncio.sleep(0.005)
        assert slowest < 1.0
        assert {one.connected for one in first.network.describe() if one.node_id != second.identity.node_id} == {False}
        first.network.update([second.address])


async def test_slow_handler_of_one_peer_does_not_delay_another() -> None:
    first, slow, quick = PeerNode(1), PeerNode(2), PeerNode(3)
    hold = asyncio.Event()

    async def wait(_sender: str, _payload: bytes) -> None:
        await hold.wait()

    async def take(_sender: str, _payload: bytes) -> None: ...

    slow.network.on("tick", wait)
    quick.network.on("tick", take)
    async with connected(first, slow, quick):
        waiting = asyncio.create_task(first.network.send(slow.identity.node_id, "tick", b""))
        for _ in range(20):
            async with asyncio.timeout(1):
                await first.network.send(quick.identity.node_id, "tick", b"")
        assert not waiting.done()
        hold.set()
        await waiting


async def test_garbage_and_silent_callers_disturb_nobody(pair: tuple[PeerNode, PeerNode]) -> None:
    first, second = pair
    garbage = [
        b"GET / HTTP/1.1\r\n\r\n",
        os.urandom(4096),
        b"\x16\x03\x01" + os.urandom(600),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ]
    slow = [socket.create_connection(("127.0.0.1", first.port), timeout=5) for _ in range(50)]
    before = resident_memory_bytes()
    for number in range(400):
        with socket.create_connection(("127.0.0.1", first.port), timeout=5) as client, contextlib.suppress(OSError):
            client.sendall(garbage[number % len(garbage)])
        if number % 50 == 0:
            await asyncio.sleep(0.01)
    async with peer_channel(second.credentials, first.identity.public_key, f"127.0.0.1:{first.port}") as channel:
        await PeerStub(channel).Hello(HelloRequest(), timeout=5)
    assert second.network.describe()[0].connected
    assert resident_memory_bytes() - before < 60_000_000
    for client in slow:
        client.close()


async def test_reconnecting_many_times_leaves_nothing_behind(pair: tuple[PeerNode, PeerNode]) -> None:
    first, second = pair
    tasks = len(asyncio.all_tasks())
    descriptors = len(os.listdir("/proc/self/fd"))
    for _ in range(100):
        first.network.update([])
        first.network.update([second.address])
        await asyncio.sleep(0)
    await until(lambda: first.network.describe()[0].connected)
    await until(lambda: len(asyncio.all_tasks()) <= tasks)
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) < descriptors + 100


async def test_impossible_lists_are_refused() -> None:
    node = PeerNode(1)
    own = node.address
    with pytest.raises(PeerListError, match="is on its own peer list: take it off NODEOS_PEERS"):
        node._network([own])
    many = [
        PeerAddress(identity(number % 250 + 2).public_key[:-2] + number.to_bytes(2), "h", 1) for number in range(513)
    ]
    with pytest.raises(PeerListError, match="at most 512"):
        node._network(many)
    with pytest.raises(UnknownPeerError):
        await node.network.send("nobody", "topic", b"")
    node.network.update([own])
    assert node.network.missing() == ()


async def test_two_handlers_for_one_topic_are_refused() -> None:
    node = PeerNode(1)

    async def take(_sender: str, _payload: bytes) -> None: ...

    node.network.on("topic", take)
    with pytest.raises(PeerListError, match="has a handler already"):
        node.network.on("topic", take)
