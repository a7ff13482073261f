from __future__ import annotations

import asyncio
import itertools

from prometheus_client import CollectorRegistry

from noderr.telemetry import LoopHeartbeat, NodeMetrics


async def test_lag_is_what_the_loop_woke_too_late() -> None:
    registry = CollectorRegistry()
    lag = NodeMetrics(registry, tier="oracle", version="1.2.3").event_loop_lag
    beaten_thrice = asyncio.Event()
    # Every look at this clock finds it 0.26 s further, where a sleep of 0.01 s was asked for: 0.25 s late.
    ticks = itertools.count()

    def clock() -> float:
        if (tick := next(ticks)) == 5:
            beaten_thrice.set()
        return tick * 0.26

    heartbeat = LoopHeartbeat(lag, interval_seconds=0.01, clock=clock)
    await heartbeat.start()
    running = asyncio.create_task(heartbeat.run())
    await beaten_thrice.wait()
    await heartbeat.stop()
    await running
    count = registry.get_sample_value("noderr_event_loop_lag_seconds_count")
    total = registry.get_sample_value("noderr_event_loop_lag_seconds_sum")
    assert count is not None
    assert total is not None
    assert count >= 3
    assert abs(total / count - 0.25) < 1e-9


async def test_stop_does_not_wait_for_the_next_beat() -> None:
    lag = NodeMetrics(CollectorRegistry(), tier="oracle", version="1.2.3").event_loop_lag
    heartbeat = LoopHeartbeat(lag, interval_seconds=60)
    await heartbeat.start()
    running = asyncio.create_task(heartbeat.run())
    await asyncio.sleep(0)
    await heartbeat.stop()
    await asyncio.wait_for(running, timeout=1)


async def test_silence_beyond_the_limit_is_noticed() -> None:
    now = 100.0
    lag = NodeMetrics(CollectorRegistry(), tier="oracle", version="1.2.3").event_loop_lag
    heartbeat = LoopHeartbeat(lag, limit_seconds=5, clock=lambda: now)
    await heartbeat.start()
    now += 5
    assert heartbeat.turning()
    now += 0.1
    assert not heartbeat.turning()
