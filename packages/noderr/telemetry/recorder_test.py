"""What a node records of itself, in which order, and what becomes of it when the disk does not take it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from noderr.telemetry import CATALOGUE, NodeMetrics
from noderr.telemetry.recorder import SAMPLED, TelemetryService, read_samples, wire_text
from noderr.telemetry.spool import FILE_NAME
from noderr.telemetry.testing import NOW_NS, WatchedClock
from noderr.telemetry.testing_disk import limit_growth, refuse_writes
from noderr.types.wire.telemetry_pb2 import ReadinessChanged, Record, ServiceChanged
from noderr.utils import StoreError

SECOND_NS = 1_000_000_000


class Node:
    """What the recorder sees of a node, and the recorder."""

    def __init__(self, folder: Path, limit_bytes: int = 1 << 20) -> None:
        self.clock = WatchedClock()
        self.metrics = NodeMetrics(CollectorRegistry(), tier="oracle", version="1.2.3")
        self.ready = True
        self.missing: list[str] = []
        self.service = TelemetryService(
            folder, limit_bytes, self.metrics, self.clock, lambda: (self.ready, self.missing)
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[TelemetryService]:
        await self.service.start()
        running = asyncio.create_task(self.service.run())
        try:
            yield self.service
        finally:
            await self.service.stop()
            await asyncio.wait_for(running, 5)

    async def written(self, count: int) -> list[Record]:
        """All records, once there are so many; time passes until then."""
        await self.clock.turn_until(lambda: self.service.state.records >= count)
        return await self.service.spool.batch(10_000, 1 << 30)

    def change(self, name: str) -> None:
        self.service.service_changed(name, "running", None, 0)

    def sample(self, name: str) -> float:
        return self.metrics.registry.get_sample_value(name) or 0.0


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def kinds(records: list[Record]) -> list[str | None]:
    return [record.WhichOneof("body") for record in records]


def changed(records: list[Record]) -> list[str]:
    return [record.service_changed.service for record in records if record.HasField("service_changed")]


async def test_first_comes_whether_the_node_is_ready_and_then_samples(node: Node) -> None:
    node.ready, node.missing = False, ["package ml: absent"]
    async with node.running():
        first, second = await node.written(2)
    assert first == Record(
        sequence=1, at_unix_ns=NOW_NS, readiness_changed=ReadinessChanged(missing=["package ml: absent"])
    )
    assert (second.sequence, second.WhichOneof("body")) == (2, "samples")


async def test_samples_are_those_of_the_metrics_with_their_labels(node: Node) -> None:
    node.metrics.peers_connected.set(3)
    node.metrics.service_restarts.labels("http").inc(2)
    node.metrics.http_requests.labels("GET", "/health", "200").inc()
    async with node.running():
        records = await node.written(2)
    found = {(sample.name, *sample.labels.items()): sample.value for sample in records[1].samples.samples}
    assert found[("noderr_peers_connected",)] == 3
    assert found[("noderr_service_restarts_total", ("service", "http"))] == 2
    assert found[("process_resident_memory_bytes",)] > 5_000_000
    assert {name for name, *_ in found} <= SAMPLED


def test_every_series_that_is_sampled_is_one_of_the_catalogue() -> None:
    registry = CollectorRegistry()
    metrics = NodeMetrics(registry, tier="oracle", version="1.2.3")
    metrics.service_restarts.labels("http").inc()
    metrics.bus_dropped.labels("ticks", "reader").inc()
    assert {sample.name for sample in read_samples(registry)} == SAMPLED
    families = tuple(spec.name for spec in CATALOGUE)
    assert all(name.removesuffix("_sum").removesuffix("_count") in families for name in SAMPLED)


async def test_samples_come_every_fifteen_seconds(node: Node) -> None:
    async with node.running():
        records = await node.written(5)
    times = [(record.at_unix_ns - NOW_NS) / SECOND_NS for record in records if record.HasField("samples")]
    assert times == [0, 15, 30, 45]


async def test_a_change_of_readiness_is_seen_within_a_second_and_told_once(node: Node) -> None:
    async with node.running():
        await node.written(2)
        node.ready, node.missing = False, ["service http: restarting"]
        records = await node.written(3)
        node.missing = ["service http: restarting", "service grpc: stopped"]
        records = await node.written(4)
        await node.clock.advance(5)
    assert kinds(records) == ["readiness_changed", "samples", "readiness_changed", "readiness_changed"]
    assert [len(record.readiness_changed.missing) for record in records] == [0, 0, 1, 2]
    assert records[2].at_unix_ns - NOW_NS <= 2 * SECOND_NS


async def test_changes_of_services_keep_their_order_time_and_words(node: Node) -> None:
    async with node.running() as service:
        await node.written(2)
        service.service_changed("http", "failed", "port 80 is taken", 3)
        await node.clock.advance(0.1)
        service.service_changed("http", "running", None, 4)
        later_ns = node.clock.now_ns()
        failed, running = (await node.written(4))[2:]
    assert failed.service_changed == ServiceChanged(
        service="http", state="failed", problem="port 80 is taken", restarts=3
    )
    assert running.service_changed == ServiceChanged(service="http", state="running", restarts=4)
    assert (failed.sequence, running.sequence) == (3, 4)
    assert (failed.at_unix_ns, running.at_unix_ns) == (later_ns - SECOND_NS // 10, later_ns)


async def test_events_of_the_node_keep_their_fields_and_flush_writes_at_once(node: Node) -> None:
    async with node.running() as service:
        await node.written(2)
        service.node_event("node_started", version="1.2.3", path="/data/\udcff" + "x" * 3000)
        await service.flush()
        [event] = (await service.spool.batch(10, 1 << 20))[2:]
    assert event.node_event.name == "node_started"
    assert dict(event.node_event.fields) == {"version": "1.2.3", "path": "/data/?" + "x" * 993}


async def test_what_comes_within_a_quarter_of_a_second_is_one_write(node: Node) -> None:
    async with node.running() as service:
        await node.written(2)
        service.written.clear()
        for number in range(100):
            node.change(str(number))
        await node.clock.advance(0.2)
        assert (service.state.records, service.written.is_set()) == (2, False)
        await node.written(3)
        assert (service.state.records, service.written.is_set()) == (102, True)


async def test_what_was_recorded_before_the_start_is_kept_and_stop_writes_what_waits(node: Node) -> None:
    node.change("early")
    async with node.running():
        await node.written(3)
        node.change("late")
    async with node.running() as service:
        assert changed(await service.spool.batch(100, 1 << 20)) == ["early", "late"]


async def test_sequences_go_on_after_a_restart_of_the_process(tmp_path: Path) -> None:
    for last in (2, 4, 6):
        node = Node(tmp_path)
        async with node.running() as service:
            records = await node.written(last)
            assert [record.sequence for record in records] == list(range(1, last + 1))
            await service.refresh()


async def test_stop_is_quick_whatever_the_service_waits_for(node: Node) -> None:
    async with node.running():
        await node.written(2)
        # It waits for a clock that nobody turns any more.
        began = time.monotonic()
    assert time.monotonic() - began < 1


async def test_metrics_tell_what_the_spool_holds(node: Node) -> None:
    async with node.running() as service:
        await node.written(2)
        assert node.sample("noderr_telemetry_spool_records") == 2
        assert node.sample("noderr_telemetry_spool_bytes") == service.state.size_bytes > 100
        assert node.sample("noderr_telemetry_spool_limit_bytes") == 1 << 20
        await service.spool.acknowledge(2)
        await service.refresh()
        assert node.sample("noderr_telemetry_spool_records") == node.sample("noderr_telemetry_spool_bytes") == 0
        assert node.sample("noderr_telemetry_dropped_total") == 0


async def test_a_full_spool_drops_the_oldest_and_says_how_many(tmp_path: Path) -> None:
    node = Node(tmp_path, limit_bytes=5000)
    async with node.running() as service:
        await node.written(2)
        for number in range(500):
            node.change(f"{number:04d}")
        await node.clock.turn_until(lambda: service.state.dropped > 0)
        left = changed(await service.spool.batch(1000, 1 << 20))
        assert service.state.size_bytes <= 5000
        assert left == [f"{number:04d}" for number in range(500 - len(left), 500)]
        # The node's first two records, readiness and samples, went too.
        assert service.state.dropped == node.sample("noderr_telemetry_dropped_total") == 502 - len(left)


async def test_two_who_refresh_at_a_time_count_what_was_dropped_once(tmp_path: Path) -> None:
    node = Node(tmp_path, limit_bytes=100)
    await node.service.start()
    await node.service.spool.append_all([Record(service_changed=ServiceChanged(service="x" * 60)) for _ in range(3)])
    await asyncio.gather(*(node.service.refresh() for _ in range(5)))
    assert node.service.state.dropped == node.sample("noderr_telemetry_dropped_total") == 2
    await node.service.stop()


@pytest.mark.parametrize("trouble", ["full", "read-only"])
async def test_a_disk_that_takes_nothing_is_told_and_what_waits_is_written_when_it_does(
    node: Node, trouble: str
) -> None:
    async with node.running() as service:
        await node.written(2)
        if trouble == "full":
            limit_growth(service, pages=0)
        else:
            refuse_writes(service, on=True)
        with capture_logs() as logs:
            for number in range(200):
                node.change(f"{number:03d} {'x' * 100}")
            await node.clock.turn_until(lambda: bool(service.missing()), 0.25)
            await node.clock.advance(60)
            [problem] = service.missing()
            assert problem.startswith("telemetry cannot be written: ")
            assert FILE_NAME in problem
            if trouble == "full":
                limit_growth(service, pages=None)
            else:
                refuse_writes(service, on=False)
            await node.clock.turn_until(lambda: service.state.records >= 202)
            assert service.missing() == ()
        told = [line["event"] for line in logs if line["event"].startswith("telemetry")]
        assert told == ["telemetry_not_written", "telemetry_written_again"]
        assert changed(await service.spool.batch(1000, 1 << 20)) == [f"{n:03d} {'x' * 100}" for n in range(200)]
        assert node.sample("noderr_telemetry_dropped_total") == 0


async def test_what_waits_in_memory_is_bounded_and_what_goes_is_counted(node: Node) -> None:
    for number in range(5000):
        node.change(str(number))
    assert node.sample("noderr_telemetry_dropped_total") == 5000 - 4096
    async with node.running():
        records = await node.written(4096)
    # Two more went for what comes with the start: readiness and samples.
    assert changed(records) == [str(number) for number in range(906, 5000)]
    assert node.sample("noderr_telemetry_dropped_total") == 906


async def test_the_bound_holds_while_the_disk_takes_nothing(node: Node) -> None:
    async with node.running() as service:
        await node.written(2)
        refuse_writes(service, on=True)
        for number in range(3000):
            node.change(str(number))
        await node.clock.turn_until(lambda: bool(service.missing()))
        for number in range(3000, 6000):
            node.change(str(number))
        await node.clock.advance(5)
        refuse_writes(service, on=False)
        await node.clock.turn_until(lambda: not service.missing())
        left = changed(await service.spool.batch(10_000, 1 << 30))
        assert len(left) <= 4096
        assert left == [str(number) for number in range(6000 - len(left), 6000)]
        assert node.sample("noderr_telemetry_dropped_total") >= 6000 - len(left)


async def test_stop_on_a_disk_that_takes_nothing_tells_what_is_lost_and_ends(node: Node) -> None:
    with capture_logs() as logs:
        async with node.running() as service:
            await node.written(2)
            refuse_writes(service, on=True)
            node.change("lost")
            began = time.monotonic()
    assert time.monotonic() - began < 1
    [line] = [line for line in logs if line["event"] == "telemetry_not_written"]
    assert line["waiting"] == 1


async def test_a_spool_that_is_no_database_keeps_the_service_from_starting(node: Node, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match=FILE_NAME):
        await node.service.start()
    await node.service.stop()
    assert (tmp_path / FILE_NAME).read_bytes() == b"no database at all" * 100


async def test_a_failure_of_what_it_asks_ends_the_service_with_it_and_loses_nothing(node: Node) -> None:
    await node.service.start()
    running = asyncio.create_task(node.service.run())
    await node.written(2)
    node.change("kept")

    def fail() -> tuple[bool, list[str]]:
        raise OSError("statvfs: input/output error")

    node.service._ready = fail
    with pytest.raises(OSError, match="statvfs"):
        await asyncio.gather(running, node.clock.advance(1))
    await node.service.stop()
    connection = sqlite3.connect(node.service._folder / FILE_NAME)
    with contextlib.closing(connection):
        [[count]] = connection.execute("SELECT count(*) FROM records").fetchall()
    assert count == 3


@pytest.mark.parametrize(
    ("text", "said"), [("", ""), ("a" * 1001, "a" * 1000), ("no \udcff UTF-8", "no ? UTF-8"), ("ключ\0", "ключ\0")]
)
def test_any_text_may_stand_in_a_record(text: str, said: str) -> None:
    assert wire_text(text) == said
    assert ServiceChanged(problem=wire_text(text)).problem == said


async def test_a_problem_in_any_words_is_recorded(node: Node) -> None:
    async with node.running() as service:
        service.service_changed("http", "failed", "/data/\udcff" + "x" * 3_000_000, 1)
        records = await node.written(3)
    [problem] = [record.service_changed.problem for record in records if record.HasField("service_changed")]
    assert problem == "/data/?" + "x" * 993
