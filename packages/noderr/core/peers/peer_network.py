"""All peers of a node as one service: links to each, and what they send to us.

Readiness: a node that cannot reach a quorum of its peers is not ready. With n nodes, itself among them, the strict
quorum is 3 × reachable > 2 × n (DESIGN §4); of four nodes one may be gone, of two none.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

import grpc
import structlog

from noderr.core.description import PeerDescription
from noderr.core.peer_address import PeerAddress
from noderr.core.peers.certificates import CallerError
from noderr.core.peers.credentials import NodeCredentials
from noderr.core.peers.errors import MessageRefusedError, PeerListError, UnknownPeerError
from noderr.core.peers.peer_link import PeerLink
from noderr.core.rate_limiter import TokenBucket
from noderr.telemetry import NodeMetrics
from noderr.telemetry.tracing import span
from noderr.types.signing.node_key import node_id
from noderr.types.wire.node_pb2 import Envelope, HelloReply, HelloRequest, NodeStatus, Receipt
from noderr.types.wire.node_pb2_grpc import PeerServicer, add_PeerServicer_to_server
from noderr.utils import Clock

_log = structlog.get_logger("noderr.core.peers")

PEER_LIMIT = 512

type Handler = Callable[[str, bytes], Awaitable[None]]
"""Takes the sender's node id and the payload. Returning acknowledges; `MessageRefusedError` refuses with its text."""

type _Context = grpc.aio.ServicerContext[object, object]


@dataclass(frozen=True)
class PeerLimits:
    """What one peer may do to us: messages a second, how many of them in one go, and how many open at once."""

    per_second: float = 200.0
    burst: float = 400.0
    at_once: int = 16


class _Caller:
    """What one peer has done of that."""

    def __init__(self, limits: PeerLimits, clock: Clock) -> None:
        self.bucket = TokenBucket(limits.per_second, limits.burst, clock)
        self.at_once = 0


class PeerNetwork(PeerServicer):
    """The service `peers`. `own` are the peers of the settings; the coordinator's come and go with `update`."""

    name = "peers"
    critical = False
    requires: tuple[str, ...] = ("grpc",)

    def __init__(
        self,
        own: Sequence[PeerAddress],
        credentials: NodeCredentials,
        status: Callable[[], NodeStatus],
        metrics: NodeMetrics,
        *,
        clock: Clock,
        randomness: random.Random,
        limits: PeerLimits | None = None,
    ) -> None:
        """Raises `PeerListError`."""
        self._own = {address.public_key: address for address in own}
        self._named: dict[bytes, PeerAddress] = {}
        self._credentials = credentials
        self._status = status
        self._metrics = metrics
        self._clock = clock
        self._randomness = randomness
        self._limits = limits or PeerLimits()
        self._handlers: dict[str, Handler] = {}
        self._callers: dict[bytes, _Caller] = {}
        self._links: dict[bytes, PeerLink] = {}
        self._tasks: dict[bytes, asyncio.Task[None]] = {}
        self._ended = asyncio.Event()
        self._running = False
        if credentials.identity.public_key in self._own:
            raise PeerListError(
                f"node {credentials.identity.node_id} is on its own peer list: take it off NODEOS_PEERS"
            )
        if len(self._own) > PEER_LIMIT:
            raise PeerListError(f"NODEOS_PEERS names {len(self._own)} nodes: at most {PEER_LIMIT}")
        credentials.trust(self._own)
        metrics.peers_configured.set_function(lambda: len(self._addresses()))
        metrics.peers_connected.set_function(lambda: sum(link.connected for link in self._links.values()))

    def on(self, topic: str, handler: Handler) -> None:
        """Hand messages of `topic` to `handler`. One handler a topic."""
        if topic in self._handlers:
            raise PeerListError(f"topic {topic!r} has a handler already")
        self._handlers[topic] = handler

    def update(self, named: Iterable[PeerAddress]) -> None:
        """Take the coordinator's list in place of its last one. This node itself and what is too much are left out."""
        mine = self._credentials.identity.public_key
        room = PEER_LIMIT - len(self._own)
        listed = [one for one in named if one.public_key != mine and one.public_key not in self._own]
        if len(listed) > room:
            _log.warning("peers_left_out", listed=len(listed), taken=room)
        self._named = {address.public_key: address for address in listed[:room]}
        self._credentials.trust(self._addresses())
        if self._running:
            self._adjust()

    async def send(self, peer: str, topic: str, payload: bytes, *, correlation_id: str = "") -> None:
        """Return when the peer with this node id has taken the message. Raises a `PeerError`."""
        for link in self._links.values():
            if link.address.node_id == peer:
                await link.send(topic, payload, correlation_id=correlation_id)
                return
        raise UnknownPeerError(f"no peer {peer!r} is on the list")

    def offer(self, peer: str, topic: str, payload: bytes) -> bool:
        """Queue the message for the peer with this node id; whether it is connected and there was room."""
        for link in self._links.values():
            if link.address.node_id == peer and link.connected:
                return link.offer(topic, payload)
        return False

    def broadcast(self, topic: str, payload: bytes, *, tier: str | None = None, correlation_id: str = "") -> int:
        """Queue the message for every connected peer (of `tier`); returns for how many there was room."""
        links = [link for link in self._links.values() if tier is None or (link.said and link.said.tier == tier)]
        return sum(link.offer(topic, payload, correlation_id=correlation_id) for link in links if link.connected)

    def describe(self) -> tuple[PeerDescription, ...]:
        return tuple(link.describe() for link in self._links.values())

    def register(self, server: grpc.aio.Server) -> str:
        """Add this service to a gRPC server; returns its full name."""
        add_PeerServicer_to_server(self, server)
        return "noderr.node.v1.Peer"

    async def start(self) -> None:
        self._ended.clear()
        self._running = True
        self._adjust()

    async def run(self) -> None:
        await self._ended.wait()
        for task in self._tasks.values():
            if task.done() and not task.cancelled() and (error := task.exception()):
                raise error

    async def stop(self) -> None:
        self._running = False
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        self._tasks.clear()
        self._links.clear()
        self._ended.set()
        await asyncio.gather(*tasks, return_exceptions=True)

    def missing(self) -> Sequence[str]:
        listed = len(self._addresses())
        connected = sum(link.connected for link in self._links.values())
        if 3 * (connected + 1) > 2 * (listed + 1):
            return ()
        needed = 2 * (listed + 1) // 3
        away = [link.describe() for link in self._links.values() if not link.connected]
        names = ", ".join(f"{one.node_id[:8]} at {one.address}" for one in away[:5])
        more = f" and {len(away) - 5} more" if len(away) > 5 else ""
        return (f"{connected} of {listed} peers answer, a quorum needs {needed}: no answer from {names}{more}",)

    async def Hello(self, request: HelloRequest, context: _Context) -> HelloReply:
        caller = await self._admitted(context)
        if (link := self._links.get(caller)) is not None:
            link.saw(request.status)
        return HelloReply(status=self._status(), received_at_unix_ns=self._clock.now_ns())

    async def Deliver(self, request: Envelope, context: _Context) -> Receipt:
        public_key = await self._admitted(context)
        sender = node_id(public_key)
        caller = self._callers.setdefault(public_key, _Caller(self._limits, self._clock))
        if caller.at_once >= self._limits.at_once or not caller.bucket.try_take():
            self._count(sender, "limited")
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many messages: send less, or later")
        handler = self._handlers.get(request.topic)
        if handler is None:
            self._count(sender, "refused")
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"nothing here takes topic {request.topic[:64]!r}")
        assert handler is not None, "abort raises"
        caller.at_once += 1
        try:
            with (
                span("peer.message", peer=sender, topic=request.topic, correlation_id=request.correlation_id),
                structlog.contextvars.bound_contextvars(correlation_id=request.correlation_id or None, peer=sender),
            ):
                await handler(sender, request.payload)
        except MessageRefusedError as error:
            self._count(sender, "refused")
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except Exception as error:  # The peer learns no inner detail; the log does.
            self._count(sender, "refused")
            _log.error("peer_handler_failed", peer=sender, topic=request.topic, exc_info=error)
            await context.abort(grpc.StatusCode.INTERNAL, "the handler failed")
        finally:
            caller.at_once -= 1
        self._count(sender, "taken")
        return Receipt()

    async def _admitted(self, context: _Context) -> bytes:
        """The caller's key. A connection from before its peer was taken off the list ends here."""
        try:
            return self._credentials.caller(context.auth_context())
        except CallerError as error:
            _log.warning("caller_refused", reason=str(error))
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, str(error))
            raise

    def _addresses(self) -> dict[bytes, PeerAddress]:
        return {**self._named, **self._own}

    def _adjust(self) -> None:
        """Make links and list agree."""
        wanted = self._addresses()
        for key, link in list(self._links.items()):
            if wanted.get(key) != link.address:
                self._tasks.pop(key).cancel()
                del self._links[key]
                self._callers.pop(key, None)
        for key, address in wanted.items():
            if key not in self._links:
                link = self._links[key] = PeerLink(
                    address,
                    self._credentials,
                    self._status,
                    self._metrics,
                    clock=self._clock,
                    randomness=self._randomness,
                )
                task = self._tasks[key] = asyncio.create_task(link.run(), name=f"peer {address.node_id}")
                task.add_done_callback(self._on_end)

    def _on_end(self, task: asyncio.Task[None]) -> None:
        # A link runs until it is cancelled; one that ends by itself is a fault of ours, and the service's.
        if not task.cancelled() and task.exception() is not None:
            self._ended.set()

    def _count(self, peer: str, outcome: str) -> None:
        self._metrics.peer_received.labels(peer, outcome).inc()
