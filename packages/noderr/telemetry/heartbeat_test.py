from __future__ import annotations

import asyncio

from noderr.telemetry import LoopHeartbeat, NodeMetrics
from prometheus_client import CollectorRegistry


class FakeTime:
    """A clock that only moves when somebody sleeps, and then `late` seconds too far."""

    def __init__(self, late: float) -> None:
        self.now = 100.0
        self.late = late
        self.sleeps = 0
        self.slept_thrice = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.now += seconds + self.late
        self.sleeps += 1
        if self.sleeps == 3:
            self.slept_thrice.set()
        await asyncio.sleep(0)


async def test_lag_is_what_the_loop_woke_too_late() -> None:
    time = FakeTime(late=0.25)
    registry = CollectorRegistry()
    metrics = NodeMetrics(registry, tier="oracle", version="1.2.3")
    heartbeat = LoopHeartbeat(metrics.event_loop_lag, clock=lambda: time.now, sleep=time.sleep)
    await heartbeat.start()
    running = asyncio.create_task(heartbeat.run())
    await time.slept_thrice.wait()
    await heartbeat.stop()
    await running
    count = registry.get_sample_value("noderr_event_loop_lag_seconds_count")
    assert count == time.sleeps
    assert registry.get_sample_value("noderr_event_loop_lag_seconds_sum") == 0.25 * time.sleeps


async def test_silence_beyond_the_limit_is_noticed() -> None:
    time = FakeTime(late=0)
    metrics = NodeMetrics(CollectorRegistry(), tier="oracle", version="1.2.3")
    heartbeat = LoopHeartbeat(metrics.event_loop_lag, limit_seconds=5, clock=lambda: time.now)
    await heartbeat.start()
    time.now += 5
    assert heartbeat.turning()
    time.now += 0.1
    assert not heartbeat.turning()
