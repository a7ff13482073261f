"""The service `coordinator-link`: heartbeats, spooled telemetry, and the peers that the coordinator names.

At least once: a batch is forgotten only when the coordinator's signed answer says that it is stored. The coordinator
knows every record by its sequence, so a batch whose answer was lost and that is sent again changes nothing there.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from noderr.telemetry.errors import CoordinatorError, RefusedError, UntrustedError
from noderr.telemetry.metrics import NodeMetrics
from noderr.telemetry.recorder import TelemetryService, wire_text
from noderr.types.wire.telemetry_pb2 import Batch, Heartbeat, PeerAddress, PeersRequest
from noderr.utils import Backoff, Clock, StoreError

if TYPE_CHECKING:  # Its HTTP library is heavy, and a node without a coordinator does not need it.
    from noderr.telemetry.coordinator_client import CoordinatorClient

_log = structlog.get_logger("noderr.telemetry.coordinator")

_SECOND_NS = 1_000_000_000
_FIRST_HEARTBEAT_SECONDS = 15.0
_SHORTEST_SECONDS, _LONGEST_SECONDS = 1.0, 300.0
_PEERS_SECONDS = 30.0
_BATCH_RECORDS, _BATCH_BYTES = 500, 512 * 1024
_BACKOFF = Backoff(first_seconds=1.0, limit_seconds=60.0)
_FAREWELL_SECONDS = 1.0
_MAX_MISSING = 32
_JUMP_LIMIT = 1 << 40
"""More numbers than a node uses. A refusal is not signed: whoever is on the way must not use up those that are left."""


@dataclass(frozen=True)
class NodeFacts:
    """What a heartbeat says of the node."""

    alive: bool
    ready: bool
    missing: tuple[str, ...]
    peers_connected: int
    peers_configured: int
    resident_memory_bytes: int


@dataclass(frozen=True)
class NodeLabel:
    """What does not change while the node runs. `address` is host:port, or empty."""

    tier: str
    version: str
    started_at_unix_ns: int
    address: str


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
                        await self._send_batch(client)
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
                pause = _pause(error, failures, self._randomness)
                failures += 1
            else:
                failures = 0
                pause = self._heartbeat_seconds * self._randomness.uniform(0.9, 1.1)
            await self._clock.sleep(pause)

    async def _heartbeat(self, client: CoordinatorClient) -> None:
        facts, state = self._facts(), self._telemetry.state
        number = await self._telemetry.spool.next_heartbeat()
        sent_ns = self._clock.now_ns()
        message = Heartbeat(
            sequence=number,
            sent_at_unix_ns=sent_ns,
            tier=self._label.tier,
            version=self._label.version,
            started_at_unix_ns=self._label.started_at_unix_ns,
            alive=facts.alive,
            ready=facts.ready,
            missing=[wire_text(one) for one in facts.missing[:_MAX_MISSING]],
            peers_connected=facts.peers_connected,
            peers_configured=facts.peers_configured,
            resident_memory_bytes=facts.resident_memory_bytes,
            address=self._label.address,
            spooled_records=state.records,
        )
        try:
            with self._counted("heartbeat"):
                reply = await client.heartbeat(message)
        except RefusedError as error:
            if error.code == "old-sequence":
                await self._telemetry.spool.raise_heartbeat(_next_free(error, number) - 1)
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
        self._heartbeat_seconds = min(max(wanted, _SHORTEST_SECONDS), _LONGEST_SECONDS)
        self._metrics.coordinator_up.set(1)
        self._reached.set()

    async def _batches(self) -> None:
        """Send until the spool is empty; then wait for the next record. Only while heartbeats get through."""
        failures = 0
        while True:
            await self._reached.wait()
            try:
                sent = await self._send_batch(self._running_client())
            except (CoordinatorError, StoreError) as error:
                _log.warning("telemetry_not_sent", reason=str(error))
                await self._clock.sleep(_pause(error, failures, self._randomness))
                failures += 1
                continue
            failures = 0
            if not sent:
                self._telemetry.written.clear()
                await self._telemetry.written.wait()

    async def _send_batch(self, client: CoordinatorClient) -> bool:
        """Send the oldest records; whether there were any. Raises `CoordinatorError` and `StoreError`."""
        spool = self._telemetry.spool
        records = await spool.batch(_BATCH_RECORDS, _BATCH_BYTES)
        if not records:
            return False
        dropped = self._telemetry.state.dropped
        message = Batch(records=records, sent_at_unix_ns=self._clock.now_ns(), dropped_records=dropped)
        try:
            with self._counted("telemetry"):
                reply = await client.telemetry(message)
        except RefusedError as error:
            if error.code == "sequence-conflict":
                # This data directory is older than what the coordinator has: it was restored from a backup.
                first_free = _next_free(error, records[0].sequence)
                _log.warning("telemetry_renumbered", first_sequence=first_free, reason=error.message)
                await spool.renumber(first_free)
            raise  # Not again at once: one that always says this would keep the node busy.
        first, last = records[0].sequence, records[-1].sequence
        if reply.accepted_sequence < first:
            raise UntrustedError(f"{self.url} accepts up to {reply.accepted_sequence}, and {first} to {last} were sent")
        # Never more than was sent, whatever it says.
        await spool.acknowledge(min(reply.accepted_sequence, last))
        self._metrics.telemetry_sent.inc(sum(record.sequence <= reply.accepted_sequence for record in records))
        await self._telemetry.refresh()
        return True

    async def _peers(self) -> None:
        while True:
            await self._reached.wait()
            asked_seconds = 0.0
            try:
                with self._counted("peers"):
                    reply = await self._running_client().peers(PeersRequest(sent_at_unix_ns=self._clock.now_ns()))
            except CoordinatorError as error:
                _log.warning("peers_not_known", reason=str(error))
                asked_seconds = _asked_seconds(error)
            else:
                self._on_peers(list(reply.peers))
            await self._clock.sleep(max(asked_seconds, _PEERS_SECONDS * self._randomness.uniform(0.8, 1.2)))

    @contextlib.contextmanager
    def _counted(self, kind: str) -> Iterator[None]:
        try:
            yield
        except RefusedError:
            self._metrics.coordinator_requests.labels(kind, "refused").inc()
            raise
        except CoordinatorError:
            self._metrics.coordinator_requests.labels(kind, "unreachable").inc()
            raise
        self._metrics.coordinator_requests.labels(kind, "accepted").inc()

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


def _pause(error: CoordinatorError | StoreError, failures: int, randomness: random.Random) -> float:
    return max(_asked_seconds(error), _BACKOFF.jittered_seconds(failures, randomness))


def _asked_seconds(error: CoordinatorError | StoreError) -> float:
    """How long a refusal asks this node to wait; a bound, because anybody on the way could ask for a year."""
    return min(error.retry_seconds, _LONGEST_SECONDS) if isinstance(error, RefusedError) else 0.0


def _next_free(error: RefusedError, sent: int) -> int:
    """The number that the refusal says is free. Raises `UntrustedError` when a coordinator would not say that."""
    if not sent < error.next_sequence <= sent + _JUMP_LIMIT:
        raise UntrustedError(
            f"{error.code} names {error.next_sequence} as the next free number, and {sent} was sent: not believed"
        ) from error
    return error.next_sequence
