"""The link when its coordinator is long away, when the node stops, and when the disk takes nothing."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from noderr.telemetry.testing import (
    until,
)
from noderr.telemetry.testing_disk import refuse_writes
from noderr.telemetry.testing_faults import hangs
from noderr.telemetry.testing_link import Rig


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
        refuse_writes(rig.telemetry, on=True)
        await rig.clock.wake("_heartbeats")
        await until(lambda: not link.reachable)
        assert "telemetry.sqlite3" in link.missing()[0]
        refuse_writes(rig.telemetry, on=False)
        await rig.clock.wake("_heartbeats")
        await until(lambda: link.reachable)
