"""The node's side of the coordinator, through all that happens to answers: nothing is doubled, and nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from noderr.telemetry import NodeMetrics
from noderr.telemetry.coordinator_client import CoordinatorClient
from noderr.telemetry.coordinator_link import CoordinatorLink, NodeFacts, NodeLabel
from noderr.telemetry.recorder import TelemetryService
from noderr.telemetry.testing import (
    NODE_KEY,
    NOW_NS,
    STRANGER_KEY,
    Fault,
    LoopbackCoordinator,
    Request,
    WatchedClock,
    refusal,
    until,
)
from noderr.telemetry.testing_faults import breaks, hangs, loses_answer, says, signs, truncates
from noderr.types.wire.telemetry_pb2 import BatchReply, HeartbeatReply, PeerAddress, Record, ServiceChanged
from noderr.utils import seeded

SECOND_NS = 1_000_000_000


class Rig:
    """A node's spool and link, without the recorder's own samples; and the coordinator that it is told of."""

    def __init__(self, folder: Path, limit_bytes: int = 1 << 20, timeout_seconds: float = 5) -> None:
        self.clock = WatchedClock()
        self.coordinator = LoopbackCoordinator(self.clock)
        self.metrics = NodeMetrics(CollectorRegistry(), tier="oracle", version="1.2.3")
        self.telemetry = TelemetryService(folder, limit_bytes, self.metrics, self.clock, lambda: (True, ()))
        self.peers: list[list[str]] = []
        self.missing: tuple[str, ...] = ("package ml: absent",)
        self._timeout_seconds = timeout_seconds

    def open_client(self) -> CoordinatorClient:
        return CoordinatorClient(
            self.coordinator.url, NODE_KEY, self.coordinator.public_key, timeout_seconds=self._timeout_seconds
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[CoordinatorLink]:
        """The link of this block, its coordinator, and the spool; all end with it."""
        async with self.coordinator:
            await self.telemetry.start()
            link = self.link()
            await link.start()
            running = asyncio.create_task(link.run())
            try:
                yield link
            finally:
                await link.stop()
                await asyncio.wait_for(running, 5)
                await self.telemetry.stop()

    def link(self) -> CoordinatorLink:
        return CoordinatorLink(
            self.coordinator.url,
            self.open_client,
            self.telemetry,
            NodeLabel("oracle", "1.2.3", NOW_NS - SECOND_NS, "node:50052"),
            lambda: NodeFacts(True, False, self.missing, 3, 4, 90_000_000),
            on_peers=lambda named: self.peers.append([peer.address for peer in named]),
            metrics=self.metrics,
            clock=self.clock,
            randomness=seeded(1, "coordinator"),
        )

    async def record(self, *names: str) -> None:
        """Records as the recorder writes them."""
        await self.telemetry.spool.append_all(
            [Record(at_unix_ns=self.clock.now_ns(), service_changed=ServiceChanged(service=name)) for name in names]
        )
        await self.telemetry.refresh()
        self.telemetry.written.set()

    def arrived(self, *names: str) -> bool:
        return self.coordinator.names() == list(names) and self.telemetry.state.records == 0

    def counted(self, kind: str, outcome: str) -> float:
        return self.sample("noderr_coordinator_requests_total", kind=kind, outcome=outcome)

    def sample(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


async def test_a_heartbeat_says_how_the_node_is_and_learns_what_is_wanted(rig: Rig) -> None:
    rig.coordinator.heartbeat_reply.desired_version = "1.3.0"
    async with rig.running() as link:
        assert link.missing() == ("not tried yet",)
        await until(lambda: link.reachable)
        assert (link.desired_version, link.last_heartbeat_ns, link.missing()) == ("1.3.0", NOW_NS, ())
    [said] = rig.coordinator.heartbeats
    assert (said.sequence, said.sent_at_unix_ns, said.started_at_unix_ns) == (1, NOW_NS, NOW_NS - SECOND_NS)
    assert (said.tier, said.version, said.address) == ("oracle", "1.2.3", "node:50052")
    assert (said.alive, said.ready, list(said.missing)) == (True, False, ["package ml: absent"])
    assert (said.peers_connected, said.peers_configured, said.resident_memory_bytes) == (3, 4, 90_000_000)
    assert rig.counted("heartbeat", "accepted") == rig.sample("noderr_coordinator_up") == 1


async def test_reasons_are_bounded_and_may_hold_any_text(rig: Rig) -> None:
    rig.missing = ("disk \udcff", "x" * 100_000, *map(str, range(100)))
    async with rig.running() as link:
        await until(lambda: link.reachable)
    said = rig.coordinator.heartbeats[0].missing
    assert (len(said), said[0], said[1]) == (32, "disk ?", "x" * 1000)


@pytest.mark.parametrize(("ahead_seconds", "offset"), [(-2.5, 2.5), (0, 0), (90, -90)])
async def test_the_offset_of_the_clock_is_this_nodes_less_the_coordinators(
    rig: Rig, ahead_seconds: float, offset: float
) -> None:
    rig.coordinator.heartbeat_reply.received_at_unix_ns = NOW_NS + round(ahead_seconds * SECOND_NS)
    async with rig.running() as link:
        await until(lambda: link.reachable)
        assert link.clock_offset_seconds == rig.sample("noderr_clock_offset_seconds") == offset


async def test_half_of_the_way_is_taken_off_the_offset(rig: Rig) -> None:
    async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
        await rig.clock.advance(4)
        await signs("heartbeat reply", HeartbeatReply(received_at_unix_ns=NOW_NS))(request, writer)

    rig.coordinator.faults["heartbeat"].append(slow)
    async with rig.running() as link:
        await until(lambda: link.reachable)
        assert link.clock_offset_seconds == 2


@pytest.mark.parametrize(("wanted", "seconds"), [(0, 15), (1, 1), (40, 40), (300, 300), (301, 300), (1 << 31, 300)])
async def test_the_interval_that_is_wanted_is_kept_within_bounds(rig: Rig, wanted: int, seconds: float) -> None:
    rig.coordinator.heartbeat_reply.next_heartbeat_seconds = wanted
    async with rig.running():
        assert 0.9 * seconds <= await rig.clock.pause_of("_heartbeats") <= 1.1 * seconds


async def test_records_are_sent_as_they_come_and_forgotten_when_taken(rig: Rig) -> None:
    async with rig.running():
        await rig.record("a", "b")
        await until(lambda: rig.arrived("a", "b"))
        await rig.record("c")
        await until(lambda: rig.arrived("a", "b", "c"))
        assert rig.counted("telemetry", "accepted") == 2
        assert rig.sample("noderr_telemetry_sent_total") == 3
    assert list(rig.coordinator.stored) == [1, 2, 3]


async def test_more_than_a_batch_arrives_in_order(rig: Rig) -> None:
    names = [str(number) for number in range(1201)]
    async with rig.running():
        await rig.record(*names)
        await until(lambda: rig.arrived(*names))
    assert [len(batch.records) for batch in rig.coordinator.batches] == [500, 500, 201]


@pytest.mark.parametrize("fault", [loses_answer, truncates(), breaks, says(refusal(503, "unavailable"))])
async def test_a_batch_without_an_answer_is_sent_again_and_nothing_is_doubled_or_lost(rig: Rig, fault: Fault) -> None:
    rig.coordinator.faults["telemetry"].extend([fault, fault])
    async with rig.running():
        await rig.record("a", "b")
        for failures in range(2):
            limit = 2.0**failures
            assert limit / 2 <= await rig.clock.pause_of("_batches") <= limit
            assert rig.telemetry.state.records == 2 + failures
            await rig.record(f"later {failures}")
            await rig.clock.wake("_batches")
        await until(lambda: rig.arrived("a", "b", "later 0", "later 1"))
        assert rig.sample("noderr_telemetry_sent_total") == 4
        assert rig.counted("telemetry", "unreachable") + rig.counted("telemetry", "refused") == 2
    assert sorted(rig.coordinator.stored) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "fault",
    [
        signs("telemetry reply", BatchReply(accepted_sequence=3), key=STRANGER_KEY),
        signs("telemetry reply", BatchReply(accepted_sequence=3), context=bytes(64)),
        signs("heartbeat reply", BatchReply(accepted_sequence=3)),
        signs("telemetry reply", BatchReply()),
        signs("telemetry reply", BatchReply(accepted_sequence=1)),
        says(refusal(400, "malformed", next_sequence=50)),
    ],
)
async def test_nothing_is_forgotten_on_a_word_that_is_not_believed(rig: Rig, fault: Fault) -> None:
    async with rig.running():
        await rig.record("a")
        await until(lambda: rig.arrived("a"))
        rig.coordinator.faults["telemetry"].append(fault)
        await rig.record("b", "c")
        await rig.clock.pause_of("_batches")
        assert (await rig.telemetry.spool.state()).records == 2
        await rig.clock.wake("_batches")
        await until(lambda: rig.arrived("a", "b", "c"))
    assert list(rig.coordinator.stored) == [1, 2, 3]


async def test_a_part_that_is_taken_is_forgotten_and_the_rest_sent(rig: Rig) -> None:
    rig.coordinator.faults["telemetry"].append(signs("telemetry reply", BatchReply(accepted_sequence=2)))
    async with rig.running():
        await rig.record("a", "b", "c")
        await until(lambda: rig.telemetry.state.records == 0)
        assert rig.sample("noderr_telemetry_sent_total") == 3
    assert [record.sequence for record in rig.coordinator.batches[0].records] == [3]


async def test_no_more_is_forgotten_than_was_sent(rig: Rig) -> None:
    async def too_much(request: Request, writer: asyncio.StreamWriter) -> None:
        await rig.record("written meanwhile")
        await signs("telemetry reply", BatchReply(accepted_sequence=1 << 63))(request, writer)

    async with rig.running():
        rig.coordinator.faults["telemetry"].append(too_much)
        await rig.record("a")
        await until(lambda: rig.arrived("written meanwhile"))
        assert rig.sample("noderr_telemetry_sent_total") == 2


async def test_an_old_data_directory_is_numbered_anew_above_what_the_coordinator_has(rig: Rig) -> None:
    rig.coordinator.stored = {number: Record(sequence=number) for number in (1, 2, 3)}
    rig.coordinator.last_sequence = 3
    async with rig.running():
        await rig.record("a", "b")
        assert 0.5 <= await rig.clock.pause_of("_batches") <= 1  # Not at once, for ever.
        await rig.clock.wake("_batches")
        await until(lambda: rig.telemetry.state.records == 0 and len(rig.coordinator.stored) == 5)
        await rig.record("c")
        await until(lambda: len(rig.coordinator.stored) == 6)
        assert rig.counted("telemetry", "refused") == 1
    names = {number: rig.coordinator.stored[number].service_changed.service for number in (4, 5, 6)}
    assert names == {4: "a", 5: "b", 6: "c"}


@pytest.mark.parametrize("next_sequence", [0, 1, 1 << 62, (1 << 63) - 1])
async def test_a_refusal_cannot_use_up_the_numbers_or_set_them_back(rig: Rig, next_sequence: int) -> None:
    rig.coordinator.faults["telemetry"].append(says(refusal(409, "sequence-conflict", next_sequence=next_sequence)))
    rig.coordinator.faults["heartbeat"].append(says(refusal(409, "old-sequence", next_sequence=next_sequence)))
    async with rig.running() as link:
        await rig.record("a")
        await until(lambda: link.problem is not None and "not believed" in link.problem)
        await rig.clock.wake("_heartbeats")
        await rig.clock.wake("_batches")
        await until(lambda: rig.arrived("a"))
    assert list(rig.coordinator.stored) == [1]
    assert rig.coordinator.last_heartbeat == 2


async def test_heartbeats_go_on_above_the_last_that_the_coordinator_took(rig: Rig) -> None:
    rig.coordinator.last_heartbeat = 40
    async with rig.running() as link:
        await until(lambda: link.problem is not None and link.problem.startswith("the coordinator refuses this node"))
        await rig.clock.wake("_heartbeats")
        await until(lambda: link.reachable)
    assert [said.sequence for said in rig.coordinator.heartbeats] == [1, 41]


async def test_numbers_of_heartbeats_go_on_after_a_restart(rig: Rig) -> None:
    for _ in range(2):
        async with rig.running() as link:
            await until(lambda link=link: link.reachable)  # type: ignore[misc]
    assert [said.sequence for said in rig.coordinator.heartbeats] == [1, 2]


@pytest.mark.parametrize(("asked", "seconds"), [("40", 40), ("300", 300), ("999999999", 300), ("9" * 400, 300)])
async def test_a_pause_that_is_asked_for_is_kept_up_to_a_bound(rig: Rig, asked: str, seconds: float) -> None:
    for path in ("heartbeat", "telemetry", "peers"):
        rig.coordinator.faults[path].append(says(refusal(429, "too-many", retry_after=asked)))
    async with rig.running() as link:
        await rig.record("a")
        assert await rig.clock.pause_of("_heartbeats") == seconds
        assert rig.coordinator.asked("telemetry") == rig.coordinator.asked("peers") == 0
        await rig.clock.wake("_heartbeats")
        await until(lambda: link.reachable)
        assert await rig.clock.pause_of("_batches") == seconds
        assert await rig.clock.pause_of("_peers") == seconds


async def test_a_refused_node_says_so_sends_nothing_and_goes_on_when_it_is_let_in(rig: Rig) -> None:
    rig.coordinator.always["heartbeat"] = says(refusal(403, "unknown-node"))
    async with rig.running() as link:
        await rig.record("a")
        for _ in range(5):
            await rig.clock.wake("_heartbeats")
        await until(lambda: rig.counted("heartbeat", "refused") == 6)
        assert link.missing() == ("the coordinator refuses this node: unknown-node: because of unknown-node",)
        assert not link.reachable
        assert {request.path for request in rig.coordinator.requests} == {"heartbeat"}
        del rig.coordinator.always["heartbeat"]
        await rig.clock.wake("_heartbeats")
        await until(lambda: rig.arrived("a"))


async def test_peers_are_asked_for_again_and_again(rig: Rig) -> None:
    rig.coordinator.faults["peers"].append(breaks)
    rig.coordinator.peers = [PeerAddress(address="one:1")]
    async with rig.running():
        assert 24 <= await rig.clock.pause_of("_peers") <= 36
        assert rig.peers == []
        await rig.clock.wake("_peers")
        await until(lambda: rig.peers == [["one:1"]])
        rig.coordinator.peers.append(PeerAddress(address="two:2"))
        await rig.clock.wake("_peers")
        await until(lambda: rig.peers == [["one:1"], ["one:1", "two:2"]])
        assert (rig.counted("peers", "accepted"), rig.counted("peers", "unreachable")) == (2, 1)


async def test_an_hour_without_the_coordinator(tmp_path: Path) -> None:
    rig = Rig(tmp_path, limit_bytes=20_000)
    async with rig.running() as link:
        await rig.record("before")
        await until(lambda: rig.arrived("before"))
        await rig.coordinator.__aexit__()
        gone, written, attempts = rig.clock.monotonic(), 1, 0
        pauses = []
        while rig.clock.monotonic() < gone + 3600:
            await rig.clock.wake("_heartbeats")
            attempts += 1
            pauses.append(await rig.clock.pause_of("_heartbeats"))
            await rig.record(*(f"{written + number:06d} {'x' * 50}" for number in range(20)))
            written += 20
            assert (await rig.telemetry.spool.state()).size_bytes <= 20_000
        assert not link.reachable
        assert "does not answer: ConnectError" in link.missing()[0]
        # Twice as long each time, up to a minute: neither a flood nor silence.
        assert [pause <= 2.0**number for number, pause in enumerate(pauses[:6])] == [True] * 6
        assert all(30 <= pause <= 60 for pause in pauses[6:])
        assert 60 <= attempts <= 126
        assert rig.counted("heartbeat", "unreachable") == attempts
        assert rig.counted("telemetry", "unreachable") == rig.counted("peers", "unreachable") == 0
        assert rig.sample("noderr_coordinator_up") == 0
        dropped = rig.telemetry.state.dropped
        assert dropped == rig.sample("noderr_telemetry_dropped_total") > 0
        await rig.coordinator.__aenter__()
        await rig.clock.wake("_heartbeats")
        await until(lambda: rig.telemetry.state.records == 0)
    came = sorted(rig.coordinator.stored)
    assert len(came) + dropped == written
    assert came == [1, *range(dropped + 2, written + 1)]
    assert rig.coordinator.names()[1:] == sorted(rig.coordinator.names()[1:])
    assert rig.coordinator.batches[-1].dropped_records == dropped
    assert rig.coordinator.heartbeats[-1].spooled_records == len(came) - 1


@pytest.mark.parametrize("path", ["heartbeat", "telemetry", "peers"])
async def test_stop_does_not_wait_for_a_request_that_hangs(tmp_path: Path, path: str) -> None:
    rig = Rig(tmp_path, timeout_seconds=60)
    rig.coordinator.always[path] = hangs
    async with rig.running():
        await rig.record("a")
        await until(lambda: rig.coordinator.asked(path) == 1)
        began = time.monotonic()
    # A second for the farewell, and then it is over.
    assert time.monotonic() - began < 2
    del rig.coordinator.always[path]
    async with rig.running():
        await until(lambda: rig.arrived("a"))


async def test_what_was_written_last_is_sent_on_stop(rig: Rig) -> None:
    async with rig.running() as link:
        await until(lambda: link.reachable and rig.coordinator.asked("peers") == 1)
        rig.telemetry.service_changed("http", "stopping", None, 0)  # It waits in memory: nobody wrote it yet.
    assert rig.coordinator.names() == ["http"]


@pytest.mark.parametrize("turns", range(0, 60, 3))
async def test_stop_at_any_moment_ends_quietly(rig: Rig, turns: int) -> None:
    async with rig.running():
        await rig.record("a")
        for _ in range(turns):
            await asyncio.sleep(0)


async def test_stop_before_run(rig: Rig) -> None:
    async with rig.coordinator:
        link = rig.link()
        await link.start()
        await link.stop()
        await asyncio.wait_for(link.run(), 5)
    assert rig.coordinator.requests == []


async def test_a_disk_that_takes_nothing_ends_heartbeats_says_so_and_is_got_over(rig: Rig) -> None:
    async with rig.running() as link:
        await until(lambda: link.reachable)
        read_only(rig.telemetry, on=True)
        await rig.clock.wake("_heartbeats")
        await until(lambda: not link.reachable)
        assert "telemetry.sqlite3" in link.missing()[0]
        read_only(rig.telemetry, on=False)
        await rig.clock.wake("_heartbeats")
        await until(lambda: link.reachable)


def read_only(telemetry: TelemetryService, *, on: bool) -> None:
    """Let SQLite refuse every write, as it does when the file system became read-only."""
    telemetry.spool._store._connection.execute(f"PRAGMA query_only = {int(on)}").close()
