from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.utils import ClockError, ManualClock, SystemClock

SECOND_NS = 1_000_000_000


async def sleeper(clock: ManualClock, name: str, seconds: float, log: list[tuple[str, float]]) -> None:
    await clock.sleep(seconds)
    log.append((name, clock.monotonic()))


async def test_sleepers_wake_in_the_order_of_their_times_and_at_them() -> None:
    clock = ManualClock()
    log: list[tuple[str, float]] = []
    async with asyncio.TaskGroup() as group:
        for name, seconds in (("late", 3), ("early", 1), ("also early", 1), ("middle", 2)):
            group.create_task(sleeper(clock, name, seconds, log))
        await clock.advance(10)
    assert log == [("early", 1), ("also early", 1), ("middle", 2), ("late", 3)]
    assert clock.monotonic() == 10


async def test_nobody_wakes_before_the_time_has_come() -> None:
    clock = ManualClock()
    log: list[tuple[str, float]] = []
    task = asyncio.create_task(sleeper(clock, "one", 1, log))
    await clock.advance(0.999999999)
    assert log == []
    await clock.advance(0.000000001)
    assert log == [("one", 1)]
    await task


async def test_a_sleeper_that_sleeps_again_wakes_within_one_advance() -> None:
    clock = ManualClock()
    beats: list[float] = []

    async def heart() -> None:
        while True:
            await clock.sleep(0.25)
            beats.append(clock.monotonic())

    task = asyncio.create_task(heart())
    await clock.advance(1)
    task.cancel()
    assert beats == [0.25, 0.5, 0.75, 1]


async def test_what_a_sleeper_starts_sleeps_from_its_own_moment_on() -> None:
    clock = ManualClock()
    log: list[tuple[str, float]] = []

    async def parent() -> None:
        await clock.sleep(1)
        await asyncio.gather(sleeper(clock, "child", 2, log), sleeper(clock, "other child", 0.5, log))

    task = asyncio.create_task(parent())
    await clock.advance(5)
    await task
    assert log == [("other child", 1.5), ("child", 3)]


async def test_a_cancelled_sleeper_is_forgotten_at_once() -> None:
    clock = ManualClock()
    for _ in range(1000):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await clock.sleep(3600)
    assert clock._sleepers == []
    await clock.advance(7200)
    assert clock.monotonic() == 7200


async def test_a_sleeper_cancelled_by_another_that_wakes_first_does_not_wake() -> None:
    clock = ManualClock()
    log: list[tuple[str, float]] = []
    victim = asyncio.create_task(sleeper(clock, "victim", 2, log))

    async def killer() -> None:
        await clock.sleep(1)
        victim.cancel()

    task = asyncio.create_task(killer())
    await clock.advance(5)
    await task
    assert victim.cancelled()
    assert log == []


@pytest.mark.parametrize("seconds", [0, -1])
async def test_a_sleep_of_nothing_gives_others_a_turn_and_returns(seconds: float) -> None:
    turns: list[str] = []

    async def other() -> None:
        turns.append("other")

    task = asyncio.create_task(other())
    await ManualClock().sleep(seconds)
    assert turns == ["other"]
    await task


async def test_set_back_moves_the_wall_and_nothing_else() -> None:
    clock = ManualClock(now_ns=100 * SECOND_NS)
    log: list[tuple[str, float]] = []
    task = asyncio.create_task(sleeper(clock, "one", 2, log))
    await clock.advance(1)
    clock.set_back(50)
    assert clock.now_ns() == 51 * SECOND_NS
    assert clock.monotonic() == 1
    await clock.advance(1)
    await task
    assert log == [("one", 2)]
    assert clock.now_ns() == 52 * SECOND_NS


@pytest.mark.parametrize("seconds", [-0.5, float("inf"), float("nan")])
async def test_time_that_cannot_pass_is_refused(seconds: float) -> None:
    with pytest.raises(ClockError, match="seconds = "):
        await ManualClock().advance(seconds)


@given(st.lists(st.floats(0.001, 100), max_size=20), st.lists(st.floats(0, 50), max_size=10))
@settings(deadline=None)  # The machine may be busy.
def test_everyone_wakes_at_the_own_time_however_time_passes(naps: list[float], steps: list[float]) -> None:
    async def scenario() -> None:
        clock = ManualClock()
        log: list[tuple[str, float]] = []
        tasks = [asyncio.create_task(sleeper(clock, str(nap), nap, log)) for nap in naps]
        for step in steps:
            await clock.advance(step)
        assert len(log) == sum(nap <= clock.monotonic() + 1e-6 for nap in naps)
        assert [woken for _, woken in log] == pytest.approx(sorted(naps)[: len(log)], abs=1e-6)
        for task in tasks:
            task.cancel()

    asyncio.run(scenario())


async def test_system_clock_is_the_machines() -> None:
    clock = SystemClock()
    assert time.time_ns() - clock.now_ns() < SECOND_NS
    began = clock.monotonic()
    await clock.sleep(0.01)
    assert 0.009 < clock.monotonic() - began < 5
