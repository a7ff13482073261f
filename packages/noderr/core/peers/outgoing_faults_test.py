"""What a peer may do wrong to a stream that goes out to it: senseless receipts, late ones or none, garbage."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import grpc
import pytest

from noderr.core.peers import outgoing
from noderr.core.peers.errors import DeliveryTimeoutError, PeerUnavailableError
from noderr.core.peers.testing import PeerNode, until
from noderr.core.peers.testing_streams import odd_peer, send
from noderr.types.wire.node_pb2 import Receipts, Refusal

os.environ.setdefault("GRPC_VERBOSITY", "NONE")


@pytest.mark.parametrize(
    "receipts",
    [
        Receipts(),
        Receipts(through=2),
        Receipts(through=1, refused=[Refusal(number=2, code=3)]),
        Receipts(through=1, refused=[Refusal(number=1, code=3), Refusal(number=1, code=3)]),
        Receipts(through=2**64 - 1),
    ],
)
async def test_receipts_for_what_was_not_sent_end_the_stream(receipts: Receipts) -> None:
    async def answer(_server: Any, context: Any) -> None:
        await context.read()
        await context.write(receipts)
        await asyncio.sleep(5)

    async with odd_peer(answer) as (first, odd):
        with pytest.raises(PeerUnavailableError, match="receipts without sense"):
            await asyncio.wait_for(send(first, odd, b""), 2)


async def test_lost_receipt_is_a_timeout_and_the_next_stream_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "_SILENT_SECONDS", 0.2)
    streams = 0

    async def answer(_server: Any, context: Any) -> None:
        nonlocal streams
        streams += 1
        await context.read()
        if streams == 1:
            await asyncio.sleep(60)
        await context.write(Receipts(through=1))
        await context.read()

    async with odd_peer(answer) as (first, odd):
        with pytest.raises(DeliveryTimeoutError):
            await asyncio.wait_for(send(first, odd, b""), 2)
        await asyncio.wait_for(send(first, odd, b""), 2)
    assert streams == 2


async def test_peer_that_does_not_read_costs_no_more_than_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "_SILENT_SECONDS", 0.3)

    async def answer(_server: Any, _context: Any) -> None:
        await asyncio.sleep(60)

    async with odd_peer(answer) as (first, odd):
        sends = [send(first, odd, b"x" * 500_000) for _ in range(40)]
        results = await asyncio.wait_for(asyncio.gather(*sends, return_exceptions=True), 5)
        # After five streams without an answer the breaker fails the rest at once.
        assert {type(result) for result in results} <= {DeliveryTimeoutError, PeerUnavailableError}


async def test_stream_that_ends_early_fails_what_has_no_receipt() -> None:
    async def answer(_server: Any, context: Any) -> None:
        await context.read()
        await context.write(Receipts(through=1))

    async with odd_peer(answer) as (first, odd):
        one, two = (asyncio.ensure_future(send(first, odd, b"")) for _ in range(2))
        await one
        with pytest.raises(PeerUnavailableError, match="ended the stream"):
            await two


@pytest.mark.parametrize("method", ["Hello", "Stream"])
async def test_answers_that_are_garbage_do_not_end_the_service(method: str) -> None:
    hellos = 0

    async def hello(_request: bytes, _context: Any) -> bytes:
        nonlocal hellos
        hellos += 1
        return b"\xff" if method == "Hello" else b""

    async def stream(_frames: Any, context: Any) -> None:
        await context.read()
        await context.write(b"\xff")

    first, odd = PeerNode(1), PeerNode(2)
    odd.credentials.trust([first.identity.public_key])
    server = grpc.aio.server()
    handlers: dict[str, Any] = {
        "Hello": grpc.unary_unary_rpc_method_handler(hello),
        "Stream": grpc.stream_stream_rpc_method_handler(stream),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("noderr.node.v1.Peer", handlers),))
    odd.port = server.add_secure_port("127.0.0.1:0", odd.credentials.server())
    await server.start()
    try:
        await first.connect([odd.address])
        if method == "Hello":
            await until(lambda: hellos >= 2)
            assert "no answer to a hello" in str(first.network.describe()[0].problem)
        else:
            await until(lambda: first.network.describe()[0].connected)
            with pytest.raises(PeerUnavailableError, match="receipts without sense"):
                await asyncio.wait_for(send(first, odd, b""), 2)
        assert not any(task.done() for task in first._tasks)
    finally:
        await first.close()
        await server.stop(0)
