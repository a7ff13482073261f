"""Measures a message from node to node against a bare gRPC call with the same bytes and no TLS, in the same run.

    python -m noderr.core.peers_bench [MESSAGES]

Ours goes all the way: queue, mutual TLS, limits, handler, receipt. Both ends of both are in this process, on one loop
of uvloop, over loopback. Rounds alternate, and ratios are medians of those of the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc
import structlog
import uvloop

from noderr.core.peers.caller import PeerLimits
from noderr.core.peers.credentials import peer_channel
from noderr.core.peers.testing import PeerNode, connected
from noderr.types.wire.node_pb2 import HelloRequest
from noderr.types.wire.node_pb2_grpc import PeerStub

_ROUNDS = 7
_CONNECTIONS = 50
_TOPIC = "bench.message"
_BARE_OPTIONS = [("grpc.use_local_subchannel_pool", 1)]

type Send = Callable[[bytes], Awaitable[object]]
type _Context = grpc.aio.ServicerContext[bytes, bytes]


@dataclass(frozen=True)
class Round:
    """How long a round took, and each of its messages."""

    seconds: float
    message_seconds: list[float]


async def measure(send: Send, payload: bytes, messages: int, in_flight: int) -> Round:
    """Send `messages` with so many of them under way at any time."""
    left, times = messages, list[float]()

    async def work() -> None:
        nonlocal left
        while left:
            left -= 1
            began = time.perf_counter()
            await send(payload)
            times.append(time.perf_counter() - began)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(in_flight):
            tasks.create_task(work())
    return Round(time.perf_counter() - began, times)


@contextlib.asynccontextmanager
async def bare_server() -> AsyncIterator[str]:
    """Answers each call with nothing, as a receipt is nothing."""

    async def take(_request: bytes, _context: _Context) -> bytes:
        return b""

    server = grpc.aio.server()
    handlers: dict[str, Any] = {"Take": grpc.unary_unary_rpc_method_handler(take)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Bare", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)


def bare_channel(address: str) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(address, options=_BARE_OPTIONS)


def bare_call(channel: grpc.aio.Channel) -> Any:
    return channel.unary_unary("/bench.Bare/Take")


async def compare_messages(ours: Send, bare: Send, messages: int) -> None:
    for size in (200, 16_384):
        for in_flight in (1, 16):
            pairs = []
            for _ in range(_ROUNDS):
                payload = os.urandom(size)
                pairs.append([await measure(send, payload, messages, in_flight) for send in (bare, ours)])
            print(f"{size:,} bytes, {in_flight} in flight, {messages:,} messages, {_ROUNDS} rounds")
            for name, number in (("bare", 0), ("peers", 1)):
                rounds = [pair[number] for pair in pairs]
                rate = statistics.median(messages / one.seconds for one in rounds)
                ratio = statistics.median(pair[0].seconds / pair[number].seconds for pair in pairs)
                _print(name, [value for one in rounds for value in one.message_seconds], f"{rate:7,.0f}/s", ratio)


async def compare_connections(first: PeerNode, second: PeerNode, bare: str) -> None:
    """From nothing to the first answer."""

    async def ours() -> None:
        address = f"127.0.0.1:{second.port}"
        async with peer_channel(first.credentials, second.identity.public_key, address) as channel:
            await PeerStub(channel).Hello(HelloRequest(), timeout=5)

    async def theirs() -> None:
        async with bare_channel(bare) as channel:
            await bare_call(channel)(b"", timeout=5)

    times: dict[str, list[float]] = {"bare": [], "peers": []}
    for _ in range(_CONNECTIONS):
        for name, connect in (("bare", theirs), ("peers", ours)):
            began = time.perf_counter()
            await connect()
            times[name].append(time.perf_counter() - began)
    print(f"connection until its first answer and its close, {_CONNECTIONS} rounds")
    for name, found in times.items():
        ratio = statistics.median(one / our for one, our in zip(times["bare"], found, strict=True))
        _print(name, found, "", ratio)


def _print(name: str, seconds: list[float], rate: str, ratio: float) -> None:
    centiles = statistics.quantiles(seconds, n=100)
    print(
        f"  {name:<6} p50 {centiles[49] * 1e6:7,.0f} µs   p99 {centiles[98] * 1e6:7,.0f} µs  {rate:>10}  {ratio:5.2f}"
    )


async def main(messages: int) -> None:
    """Print the figures."""
    unlimited = PeerLimits(per_second=1e9, burst=1e9)
    first, second = PeerNode(1), PeerNode(2, limits=unlimited)

    async def take(_sender: str, _payload: bytes) -> None: ...

    second.network.on(_TOPIC, take)
    async with connected(first, second), bare_server() as address, bare_channel(address) as channel:
        call = bare_call(channel)

        async def send(payload: bytes) -> None:
            await first.network.send(second.identity.node_id, _TOPIC, payload)

        async def send_bare(payload: bytes) -> None:
            await call(payload, timeout=5)

        await compare_messages(send, send_bare, messages)
        await compare_connections(first, second, address)


if __name__ == "__main__":
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("messages", type=int, nargs="?", default=1000, help="of each round (default: 1000)")
    uvloop.run(main(parser.parse_args().messages))
