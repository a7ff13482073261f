"""One peer: a connection that comes back by itself, a bounded queue, and a task of its own.

Everything here concerns this peer alone, so that one that is slow or dead never holds up another.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import grpc
import structlog
from prometheus_client import Counter

from noderr.core.circuit_breaker import BreakerPolicy, CircuitBreaker
from noderr.core.description import PeerDescription
from noderr.core.errors import CircuitOpenError
from noderr.core.peer_address import PeerAddress, join_host_port
from noderr.core.peers.credentials import MAX_MESSAGE_BYTES, NodeCredentials, peer_channel
from noderr.core.peers.errors import (
    DeliveryTimeoutError,
    PeerError,
    PeerQueueFullError,
    PeerRefusedError,
    PeerUnavailableError,
)
from noderr.core.peers.outgoing import Outgoing, OutgoingStream, frame_bytes, words
from noderr.telemetry import NodeMetrics
from noderr.types.wire.node_pb2 import Envelope, HelloReply, HelloRequest, NodeStatus
from noderr.types.wire.node_pb2_grpc import PeerStub
from noderr.utils import Backoff, Clock

if TYPE_CHECKING:  # It is in the stubs only.
    from noderr.types.wire.node_pb2_grpc import PeerAsyncStub

_log = structlog.get_logger("noderr.core.peers")

HELLO_SECONDS = 5.0
CONNECTED_SECONDS = 15.0
"""A peer counts as connected for so long after its last answer."""
_HELLO_TIMEOUT_SECONDS = 3.0
_CLOSE_SECONDS = 5.0
_QUEUE_LIMIT = 1024
_RECONNECT = Backoff(first_seconds=0.25, limit_seconds=HELLO_SECONDS)
_BREAKER = BreakerPolicy(consecutive_failures=5, open_seconds=5.0, probes=1)
_WORD_LETTERS = 64
_SECOND_NS = 1_000_000_000


class PeerLink:
    """The link to one peer. `status` gives what this node says of itself."""

    def __init__(
        self,
        address: PeerAddress,
        credentials: NodeCredentials,
        status: Callable[[], NodeStatus],
        metrics: NodeMetrics,
        *,
        clock: Clock,
        randomness: random.Random,
        queue_limit: int = _QUEUE_LIMIT,
    ) -> None:
        self.address = address
        self.said: NodeStatus | None = None
        self._credentials = credentials
        self._status = status
        self._metrics = metrics
        self._clock = clock
        self._randomness = randomness
        self._queue: deque[Outgoing] = deque()
        self._queue_limit = queue_limit
        self._wake = asyncio.Event()
        self._stream: OutgoingStream | None = None
        self._counters: dict[str, Counter] = {}
        self._breaker = CircuitBreaker(f"peer {address.node_id}", clock, _BREAKER)
        self._channel: grpc.aio.Channel | None = None
        self._leaf = credentials.leaf()
        self._answered_at: float | None = None
        self._last_seen_ns: int | None = None
        self._round_trip_seconds: float | None = None
        self._problem: str | None = "not tried yet"
        metrics.peer_up.labels(address.node_id).set_function(lambda: self.connected)
        metrics.peer_queue.labels(address.node_id).set_function(lambda: len(self._queue))

    @property
    def connected(self) -> bool:
        """Whether the last hello that was answered is recent, and none was refused since."""
        return self._answered_at is not None and self._clock.monotonic() - self._answered_at <= CONNECTED_SECONDS

    async def run(self) -> None:
        """Keep the link up until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._greet())
                tasks.create_task(self._deliver_all())
        finally:
            self._fail_queued(PeerUnavailableError(f"peer {self.address.node_id}: the link is closed"))
            if self._channel is not None:
                # Shielded: a cancelled close would leave its connection to the garbage collector.
                await asyncio.shield(self._channel.close())
            for gauge in (self._metrics.peer_up, self._metrics.peer_queue):
                with contextlib.suppress(KeyError):
                    gauge.remove(self.address.node_id)

    async def send(self, topic: str, payload: bytes, *, correlation_id: str = "") -> None:
        """Return when the peer has taken the message.

        Raises `PeerUnavailableError`, `PeerQueueFullError`, `DeliveryTimeoutError` or `PeerRefusedError`.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._enqueue(topic, payload, correlation_id, done)
        await done

    def offer(self, topic: str, payload: bytes, *, correlation_id: str = "") -> bool:
        """Queue the message and forget it; whether there was room. What is lost is counted."""
        try:
            self._enqueue(topic, payload, correlation_id, None)
        except PeerError:
            self._count("dropped")
            return False
        return True

    def saw(self, status: NodeStatus) -> NodeStatus:
        """The peer has said this of itself, in a hello of its own or in an answer to ours. Returns what is kept of it:
        no more than anybody needs.
        """
        self.said = said = NodeStatus(
            tier=status.tier[:_WORD_LETTERS],
            version=status.version[:_WORD_LETTERS],
            ready=status.ready,
            started_at_unix_ns=status.started_at_unix_ns,
        )
        self._last_seen_ns = self._clock.now_ns()
        return said

    def describe(self) -> PeerDescription:
        connected = self.connected
        said = self.said
        seen_ns = self._last_seen_ns
        return PeerDescription(
            node_id=self.address.node_id,
            address=join_host_port(self.address.host, self.address.port),
            connected=connected,
            tier=said.tier if said else None,
            version=said.version if said else None,
            ready=said.ready if said and connected else None,
            round_trip_seconds=self._round_trip_seconds if connected else None,
            last_seen_at=None if seen_ns is None else datetime.fromtimestamp(seen_ns / _SECOND_NS, UTC),
            queued_messages=len(self._queue),
            problem=None if connected else self._problem,
        )

    def _enqueue(self, topic: str, payload: bytes, correlation_id: str, done: asyncio.Future[None] | None) -> None:
        if not self.connected:
            raise PeerUnavailableError(f"peer {self.address.node_id} does not answer: {self._problem}")
        if len(self._queue) >= self._queue_limit:
            raise PeerQueueFullError(
                f"{self._queue_limit} messages wait for peer {self.address.node_id}: send less, or later"
            )
        envelope = Envelope(
            topic=topic, payload=payload, sent_at_unix_ns=self._clock.now_ns(), correlation_id=correlation_id
        )
        size = frame_bytes(envelope)
        if size > MAX_MESSAGE_BYTES:
            raise PeerRefusedError(
                self.address.node_id,
                "RESOURCE_EXHAUSTED",
                f"{size} bytes; at most {MAX_MESSAGE_BYTES} may be sent",
            )
        self._queue.append(Outgoing(envelope, size, done))
        if self._stream is not None:
            self._stream.wake()
        else:
            self._wake.set()

    async def _greet(self) -> None:
        failures = 0
        while True:
            if await self._hello():
                failures = 0
                pause = HELLO_SECONDS * self._randomness.uniform(0.8, 1.2)
            else:
                pause = _RECONNECT.jittered_seconds(failures, self._randomness)
                failures += 1
            await self._clock.sleep(pause)

    async def _hello(self) -> bool:
        request = HelloRequest(status=self._status(), sent_at_unix_ns=self._clock.now_ns())
        was_connected, began = self.connected, self._clock.monotonic()
        try:
            # gRPC's client gives None for what cannot be parsed.
            reply: HelloReply | None = await (await self._stub()).Hello(request, timeout=_HELLO_TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            self._problem = words(error)
            # One that only took too long, or has had too much of us, keeps its 15 s; one that is gone does not.
            if error.code() not in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED):
                self._answered_at = None
            if was_connected and not self.connected:
                _log.warning("peer_lost", peer=self.address.node_id, reason=self._problem)
            return False
        if reply is None:
            self._problem, self._answered_at = "its answer to a hello is no answer to a hello", None
            return False
        now = self._clock.monotonic()
        self._answered_at, self._round_trip_seconds, self._problem = now, now - began, None
        self._metrics.peer_round_trip.observe(now - began)
        said = self.saw(reply.status)
        if not was_connected:
            _log.info("peer_connected", peer=self.address.node_id, tier=said.tier, version=said.version)
        return True

    async def _stub(self) -> PeerAsyncStub:
        leaf = self._credentials.leaf()
        if self._channel is None or leaf is not self._leaf:
            old, self._leaf = self._channel, leaf
            where = join_host_port(self.address.host, self.address.port)
            self._channel = peer_channel(self._credentials, self.address.public_key, where)
            if old is not None:
                if self._stream is not None:
                    self._stream.end()
                await old.close(grace=_CLOSE_SECONDS)
        return PeerStub(self._channel)

    async def _deliver_all(self) -> None:
        while True:
            while self._queue:
                await self._deliver()
            self._wake.clear()
            await self._wake.wait()

    async def _deliver(self) -> None:
        """Send what is queued, over one stream, until that ends."""
        try:
            permit = self._breaker.admit()
        except CircuitOpenError as error:
            self._fail_queued(PeerUnavailableError(str(error)))
            return
        try:
            call = (await self._stub()).Stream()
            self._stream = OutgoingStream(
                self.address.node_id, call, self._queue, finish=self._finish, answered=permit.succeeded
            )
            failure = await self._stream.run()
        except asyncio.CancelledError:
            permit.abandoned()
            raise
        finally:
            self._stream = None
        if isinstance(failure, PeerUnavailableError | DeliveryTimeoutError):
            permit.failed()
        else:
            permit.succeeded()  # It is there, and answers.

    def _finish(self, outgoing: Outgoing, failure: PeerError | None) -> None:
        self._count("delivered" if failure is None else "failed")
        if outgoing.done is not None and not outgoing.done.done():
            if failure is None:
                outgoing.done.set_result(None)
            else:
                outgoing.done.set_exception(failure)

    def _fail_queued(self, failure: PeerError) -> None:
        while self._queue:
            self._finish(self._queue.popleft(), failure)

    def _count(self, outcome: str) -> None:
        counter = self._counters.get(outcome)
        if counter is None:
            counter = self._counters[outcome] = self._metrics.peer_sent.labels(self.address.node_id, outcome)
        counter.inc()
