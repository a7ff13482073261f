"""All peers of a node as one service: links to each, and what they send to us.

Readiness: a node that cannot reach a quorum of its peers is not ready. With n nodes, itself among them, the strict
quorum is 3 × reachable > 2 × n (DESIGN §4); of four nodes one may be gone, of two none.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable, Sequence

import grpc
import structlog

from noderr.core.description import PeerDescription
from noderr.core.peer_address import PeerAddress
from noderr.core.peers.caller import PeerLimits
from noderr.core.peers.certificates import CallerError
from noderr.core.peers.credentials import NodeCredentials
from noderr.core.peers.errors import PeerListError, UnknownPeerError
from noderr.core.peers.incoming import CallEndedError, Handler, IncomingStreams
from noderr.core.peers.incoming import Context as StreamContext
from noderr.core.peers.peer_link import PeerLink
from noderr.telemetry import NodeMetrics
from noderr.types.wire.node_pb2 import Frame, HelloReply, HelloRequest, NodeStatus
from noderr.types.wire.node_pb2_grpc import PeerServicer, add_PeerServicer_to_server
from noderr.utils import Clock

_log = structlog.get_logger("noderr.core.peers")

PEER_LIMIT = 512

type _Context = grpc.aio.ServicerContext[object, object]


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
        self._incoming = IncomingStreams(limits or PeerLimits(), metrics, clock)
        self._links: dict[bytes, PeerLink] = {}
        self._by_node_id: dict[str, PeerLink] = {}
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
        if topic in self._incoming.handlers:
            raise PeerListError(f"topic {topic!r} has a handler already")
        self._incoming.handlers[topic] = handler

    def update(self, named: Iterable[PeerAddress]) -> None:
        """Take the coordinator's list in place of its last one. This node itself and what is too much are left out."""
        mine = self._credentials.identity.public_key
        room = PEER_LIMIT - len(self._own)
        listed = [one for one in named if one.public_key != mine and one.public_key not in self._own]
        if len(listed) > room:
            _log.warning("peers_left_out", listed=len(listed), taken=room)
        self._named = {address.public_key: address for address in listed[:room]}
        self._credentials.trust(self._addresses())
        self._incoming.keep(self._credentials.trusts)
        if self._running:
            self._adjust()

    async def send(self, peer: str, topic: str, payload: bytes, *, correlation_id: str = "") -> None:
        """Return when the peer with this node id has taken the message. Raises a `PeerError`."""
        link = self._by_node_id.get(peer)
        if link is None:
            raise UnknownPeerError(f"no peer {peer!r} is on the list")
        await link.send(topic, payload, correlation_id=correlation_id)

    def offer(self, peer: str, topic: str, payload: bytes) -> bool:
        """Queue the message for the peer with this node id; whether it is connected and there was room."""
        link = self._by_node_id.get(peer)
        return link is not None and link.connected and link.offer(topic, payload)

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
        self._incoming.open()
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
        self._by_node_id.clear()
        self._incoming.close()
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
        caller = await self._admitted(context, request.ByteSize())
        if (link := self._links.get(caller)) is not None:
            link.saw(request.status)
        return HelloReply(status=self._status(), received_at_unix_ns=self._clock.now_ns())

    async def Stream(  # type: ignore[override]  # The stubs know generators only; gRPC takes a reader and writer too.
        self, _frames: AsyncIterator[Frame], context: StreamContext
    ) -> None:
        public_key = await self._admitted(context)
        try:
            await self._incoming.serve(public_key, context)
        except CallEndedError as ended:
            await context.abort(ended.code, str(ended))

    async def _admitted(self, context: _Context | StreamContext, length: int = 0) -> bytes:
        """The caller's key. A connection from before its peer was taken off the list ends here, and a call too many."""
        try:
            public_key = self._credentials.caller(context.auth_context())
            await self._incoming.admit(public_key, length)
        except CallerError as error:
            _log.warning("caller_refused", reason=str(error))
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, str(error))
            raise
        except CallEndedError as ended:
            await context.abort(ended.code, str(ended))
            raise
        return public_key

    def _addresses(self) -> dict[bytes, PeerAddress]:
        return {**self._named, **self._own}

    def _adjust(self) -> None:
        """Make links and list agree."""
        wanted = self._addresses()
        for key, link in list(self._links.items()):
            if wanted.get(key) != link.address:
                self._tasks.pop(key).cancel()
                del self._links[key]
                del self._by_node_id[link.address.node_id]
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
                self._by_node_id[address.node_id] = link
                task = self._tasks[key] = asyncio.create_task(link.run(), name=f"peer {address.node_id}")
                task.add_done_callback(self._on_end)

    def _on_end(self, task: asyncio.Task[None]) -> None:
        # A link runs until it is cancelled; one that ends by itself is a fault of ours, and the service's.
        if not task.cancelled() and task.exception() is not None:
            self._ended.set()
