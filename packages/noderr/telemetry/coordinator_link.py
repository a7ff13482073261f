"""The service `coordinator-link`: heartbeats, spooled telemetry, and the peers that the coordinator names."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import structlog

from noderr.telemetry.batch_sender import BatchSender
from noderr.telemetry.errors import CoordinatorError, RefusedError
from noderr.telemetry.metrics import NodeMetrics
from noderr.telemetry.node_facts import NodeFacts, NodeLabel, heartbeat_of
from noderr.telemetry.recorder import TelemetryService
from noderr.telemetry.request_outcome import LONGEST_SECONDS, asked_seconds, counted, next_free, pause_seconds
from noderr.types.wire.telemetry_pb2 import PeerAddress, PeersRequest
from noderr.utils import Clock, StoreError

if TYPE_CHECKING:  # Its HTTP library is heavy, and a node without a coordinator does not need it.
    from noderr.telemetry.coordinator_client import CoordinatorClient

_log = structlog.get_logger("noderr.telemetry.coordinator")

_SECOND_NS = 1_000_000_000
_FIRST_HEARTBEAT_SECONDS = 15.0
_SHORTEST_SECONDS = 1.0
_PEERS_SECONDS = 30.0
_FAREWELL_SECONDS = 1.0


class CoordinatorLink:
    """Starts after `telemetry`, whose spool it empties. `on_peers` gets what the coordinator names."""

    name = "coordinator-link"
    critical = False
    requires: tuple[str, ...] = ("telemetry",)

    def __init__(
        self,
        url: str,
        open_client: Callable[[], CoordinatorClient],
        telemetry: TelemetryService,
        label: NodeLabel,
        facts: Callable[[], NodeFacts],
        *,
        on_peers: Callable[[Sequence[PeerAddress]], None],
        metrics: NodeMetrics,
        clock: Clock,
        randomness: random.Random,
    ) -> None:
        self.url = url
        self.last_heartbeat_ns: int | None = None
        self.clock_offset_seconds: float | None = None
        self.desired_version: str | None = None
        self.problem: str | None = "not tried yet"
        self._open_client = open_client
        self._telemetry = telemetry
        self._sender = BatchSender(url, telemetry, metrics, clock)
        self._label = label
        self._facts = facts
        self._on_peers = on_peers
        self._metrics = metrics
        self._clock = clock
        self._randomness = randomness
        self._heartbeat_seconds = _FIRST_HEARTBEAT_SECONDS
        self._stopping = asyncio.Event()
        self._reached = asyncio.Event()
        self._client: CoordinatorClient | None = None
        self._loops: list[asyncio.Task[None]] = []

    @property
    def reachable(self) -> bool:
        """Whether the coordinator took the last heartbeat."""
        return self.problem is None

    async def start(self) -> None:
        self._stopping.clear()
        self._client = self._open_client()

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                works = (self._heartbeats, self._batches, self._peers)
                self._loops = [tasks.create_task(work()) for work in works]
                await self._stopping.wait()
                self._end_loops()
        except ExceptionGroup as group:
            raise group.exceptions[0] from None

    async def stop(self) -> None:
        self._stopping.set()
        self._end_loops()  # Here already: none may go on with a client that is closed.
        client, self._client = self._client, None
        if client is None:
            return
        try:
            with contextlib.suppress(CoordinatorError, StoreError, TimeoutError):
                # What the node has to say of its end; without an answer it waits for the next start.
                async with asyncio.timeout(_FAREWELL_SECONDS):
                    if self.reachable:
                        await self._telemetry.flush()
                        await self._sender.send(client)
        finally:
            await client.close()

    def _end_loops(self) -> None:
        for loop in self._loops:
            loop.cancel()

    def missing(self) -> Sequence[str]:
        return (self.problem,) if self.problem else ()

    async def _heartbeats(self) -> None:
        failures = 0
        while True:
            try:
                await self._heartbeat(self._running_client())
            except (CoordinatorError, StoreError) as error:
                self._failed(error)
                pause = pause_seconds(error, failures, self._randomness)
                failures += 1
            else:
                failures = 0
                pause = self._heartbeat_seconds * self._randomness.uniform(0.9, 1.1)
            await self._clock.sleep(pause)

    async def _heartbeat(self, client: CoordinatorClient) -> None:
        facts, state = self._facts(), self._telemetry.state
        number = await self._telemetry.spool.next_heartbeat()
        sent_ns = self._clock.now_ns()
        message = heartbeat_of(self._label, facts, number=number, sent_ns=sent_ns, spooled_records=state.records)
        try:
            with counted(self._metrics, "heartbeat"):
                reply = await client.heartbeat(message)
        except RefusedError as error:
            if error.code == "old-sequence":
                await self._telemetry.spool.raise_heartbeat(next_free(error, number) - 1)
            raise
        now_ns = self._clock.now_ns()
        # Their clock was read somewhere between our two readings; half-way is the best guess.
        self.clock_offset_seconds = ((sent_ns + now_ns) // 2 - reply.received_at_unix_ns) / _SECOND_NS
        self._metrics.clock_offset.set(self.clock_offset_seconds)
        if self.problem is not None:
            _log.info("coordinator_reached", url=self.url, clock_offset_seconds=round(self.clock_offset_seconds, 3))
        self.last_heartbeat_ns, self.problem = now_ns, None
        self.desired_version = reply.desired_version or None
        wanted = float(reply.next_heartbeat_seconds) or _FIRST_HEARTBEAT_SECONDS
        self._heartbeat_seconds = min(max(wanted, _SHORTEST_SECONDS), LONGEST_SECONDS)
        self._metrics.coordinator_up.set(1)
        self._reached.set()

    async def _batches(self) -> None:
        """Send until the spool is empty; then wait for the next record. Only while heartbeats get through."""
        failures = 0
        while True:
            await self._reached.wait()
            try:
                sent = await self._sender.send(self._running_client())
            except (CoordinatorError, StoreError) as error:
                _log.warning("telemetry_not_sent", reason=str(error))
                await self._clock.sleep(pause_seconds(error, failures, self._randomness))
                failures += 1
                continue
            failures = 0
            if not sent:
                self._telemetry.written.clear()
                await self._telemetry.written.wait()

    async def _peers(self) -> None:
        while True:
            await self._reached.wait()
            least_seconds = 0.0
            try:
                with counted(self._metrics, "peers"):
                    reply = await self._running_client().peers(PeersRequest(sent_at_unix_ns=self._clock.now_ns()))
            except CoordinatorError as error:
                _log.warning("peers_not_known", reason=str(error))
                least_seconds = asked_seconds(error)
            else:
                self._on_peers(list(reply.peers))
            await self._clock.sleep(max(least_seconds, _PEERS_SECONDS * self._randomness.uniform(0.8, 1.2)))

    def _failed(self, error: CoordinatorError | StoreError) -> None:
        problem = f"the coordinator refuses this node: {error}" if isinstance(error, RefusedError) else str(error)
        if problem != self.problem:
            _log.warning("coordinator_not_reached", url=self.url, reason=problem)
        self.problem = problem
        self._metrics.coordinator_up.set(0)
        self._reached.clear()

    def _running_client(self) -> CoordinatorClient:
        assert self._client is not None, "the link does not run"
        return self._client
