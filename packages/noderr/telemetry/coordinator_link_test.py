"""The node's side of the coordinator: heartbeats, pauses that are asked for, and peers."""

from __future__ import annotations

import asyncio

import pytest

from noderr.telemetry.testing import (
    NOW_NS,
    Request,
    refusal,
    until,
)
from noderr.telemetry.testing_faults import breaks, says, signs
from noderr.telemetry.testing_link import SECOND_NS, Rig
from noderr.types.wire.telemetry_pb2 import HeartbeatReply, PeerAddress


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
