"""The service `telemetry`: takes records from anywhere in the node, and writes them to the spool in its own time.

Nothing here raises into a caller or holds up the loop. What cannot be kept is counted.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry

from noderr.telemetry.metrics import NodeMetrics
from noderr.telemetry.spool import Spool, SpoolState
from noderr.types.wire.telemetry_pb2 import NodeEvent, ReadinessChanged, Record, Sample, Samples, ServiceChanged
from noderr.utils import Clock, StoreError, event_or_time

_log = structlog.get_logger("noderr.telemetry")

SAMPLE_SECONDS = 15.0
SAMPLED = frozenset(
    {
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_open_fds",
        "noderr_event_loop_lag_seconds_sum",
        "noderr_event_loop_lag_seconds_count",
        "noderr_peers_connected",
        "noderr_peer_round_trip_seconds_sum",
        "noderr_peer_round_trip_seconds_count",
        "noderr_bus_dropped_total",
        "noderr_service_restarts_total",
        "noderr_data_free_bytes",
    }
)
"""The series that are sampled: few, because each node sends them for ever."""

_WAITING_LIMIT = 4096
_FLUSH_SECONDS = 0.25
_RETRY_SECONDS = 5.0
_MAX_TEXT = 1000


class TelemetryService:
    """`ready` tells whether the node is ready and what is missing; it is asked often."""

    name = "telemetry"
    critical = False
    requires: tuple[str, ...] = ()

    def __init__(
        self,
        folder: Path,
        limit_bytes: int,
        metrics: NodeMetrics,
        clock: Clock,
        ready: Callable[[], tuple[bool, Sequence[str]]],
    ) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._metrics = metrics
        self._clock = clock
        self._ready = ready
        self._spool: Spool | None = None
        self._waiting: deque[Record] = deque()
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._was_ready: tuple[bool, tuple[str, ...]] | None = None
        self._problem = ""
        self.written = asyncio.Event()
        """Set after each write: there is something to send."""
        self.state = SpoolState(0, 0, 0)
        metrics.spool_limit.set(limit_bytes)
        metrics.spool_records.set_function(lambda: self.state.records)
        metrics.spool_bytes.set_function(lambda: self.state.size_bytes)

    @property
    def spool(self) -> Spool:
        """The open spool; only while the service runs."""
        assert self._spool is not None, "the telemetry service does not run"
        return self._spool

    def service_changed(self, service: str, state: str, problem: str | None, restarts: int) -> None:
        self._add(
            Record(
                service_changed=ServiceChanged(
                    service=service, state=state, problem=wire_text(problem or ""), restarts=restarts
                )
            )
        )

    def node_event(self, name: str, **fields: str) -> None:
        """Anything else worth keeping, such as `node_started`."""
        told = {key: wire_text(value) for key, value in fields.items()}
        self._add(Record(node_event=NodeEvent(name=name, fields=told)))

    async def start(self) -> None:
        """Open the spool. Raises what that raises."""
        self._stopping.clear()
        self._spool = await asyncio.to_thread(Spool, self._folder, self._limit_bytes)
        self.state = await self._spool.state()

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._sample())
                tasks.create_task(self._write_all())
        except ExceptionGroup as group:
            raise group.exceptions[0] from None

    async def stop(self) -> None:
        self._stopping.set()
        self._wake.set()
        if self._spool is not None:
            spool, self._spool = self._spool, None
            try:
                await self._flush(spool)
            except StoreError as error:
                _log.error("telemetry_not_written", exc_info=error, waiting=len(self._waiting))
            finally:
                await spool.close()

    def missing(self) -> Sequence[str]:
        return (self._problem,) if self._problem else ()

    async def flush(self) -> None:
        """Write what waits to the spool at once. Raises `StoreError`."""
        await self._flush(self.spool)

    async def refresh(self) -> None:
        """Read the spool's state anew, for metrics and pages."""
        if self._spool is not None:
            state = await self._spool.state()
            # Compared after the wait: two who refresh at a time must not both count what was dropped.
            self._metrics.spool_dropped.inc(state.dropped - self.state.dropped)
            self.state = state

    def _add(self, record: Record) -> None:
        record.at_unix_ns = self._clock.now_ns()
        if len(self._waiting) >= _WAITING_LIMIT:
            self._waiting.popleft()
            self._metrics.spool_dropped.inc()
        self._waiting.append(record)
        self._wake.set()

    async def _sample(self) -> None:
        while not self._stopping.is_set():
            self._note_readiness()
            samples = list(read_samples(self._metrics.registry))
            self._add(Record(samples=Samples(samples=samples)))
            for _ in range(round(SAMPLE_SECONDS)):
                await event_or_time(self._stopping, 1.0, self._clock)
                if self._stopping.is_set():
                    return
                self._note_readiness()

    def _note_readiness(self) -> None:
        ready, missing = self._ready()
        now = (ready, tuple(map(wire_text, missing)))
        if now != self._was_ready:
            self._was_ready = now
            self._add(Record(readiness_changed=ReadinessChanged(ready=ready, missing=now[1])))

    async def _write_all(self) -> None:
        while not self._stopping.is_set():
            await self._wake.wait()
            await event_or_time(self._stopping, _FLUSH_SECONDS, self._clock)  # Several records are one write.
            self._wake.clear()
            if self._spool is None or not self._waiting:
                continue
            try:
                await self._flush(self._spool)
            except StoreError as error:
                if not self._problem:
                    _log.error("telemetry_not_written", exc_info=error, waiting=len(self._waiting))
                self._problem = f"telemetry cannot be written: {error}"
                await event_or_time(self._stopping, _RETRY_SECONDS, self._clock)
                self._wake.set()
            else:
                if self._problem:
                    _log.info("telemetry_written_again", waiting=len(self._waiting))
                self._problem = ""

    async def _flush(self, spool: Spool) -> None:
        """Write what waits. Raises `StoreError`, and what was to be written waits again."""
        if not self._waiting:
            return
        records = list(self._waiting)
        self._waiting.clear()

        def put_back(write: asyncio.Future[list[int]]) -> None:
            if not write.cancelled() and write.exception() is None:
                return
            room = _WAITING_LIMIT - len(self._waiting)
            kept = records[-room:] if room else []
            self._metrics.spool_dropped.inc(len(records) - len(kept))
            self._waiting.extendleft(reversed(kept))

        write = asyncio.ensure_future(spool.append_all(records))
        write.add_done_callback(put_back)
        await asyncio.shield(write)  # Whoever is cancelled here takes no record along.
        if self._spool is spool:
            await self.refresh()
        self.written.set()


def wire_text(text: str) -> str:
    """`text` as a record may hold it: not so long that the coordinator refuses it, and nothing that is no UTF-8."""
    return text[:_MAX_TEXT].encode("utf-8", "replace").decode()


def read_samples(registry: CollectorRegistry) -> list[Sample]:
    """The current values of the series in `SAMPLED`."""
    return [
        Sample(name=sample.name, labels=sample.labels, value=sample.value)
        for family in registry.collect()
        for sample in family.samples
        if sample.name in SAMPLED
    ]
