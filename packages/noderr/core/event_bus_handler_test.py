"""Handlers: one that fails, sticks, leaves or waits for itself disturbs nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from noderr.core.errors import BusDeadlockError
from noderr.core.event_bus_subscription import OverflowPolicy
from noderr.core.event_bus_testing import TICKS, Rig, Tick, collector, publish, running_rig, settle, take


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with running_rig() as rig:
        yield rig


@pytest.mark.parametrize("failure", [ValueError("went wrong"), asyncio.CancelledError()])
async def test_handler_that_raises_disturbs_nobody_and_gets_the_next(rig: Rig, failure: BaseException) -> None:
    good: list[int] = []
    bad: list[int] = []

    async def fails_on_even(tick: Tick) -> None:
        bad.append(tick.number)
        if tick.number % 2 == 0:
            raise failure

    rig.bus.handle(TICKS, "bad", fails_on_even)
    rig.bus.handle(TICKS, "good", collector(good))
    with capture_logs() as logs:
        await publish(rig.bus, *range(10))
        await settle()
    assert good == bad == list(range(10))
    assert (rig.status("bad").failed, rig.status("bad").handled, rig.status("good").failed) == (5, 10, 0)
    assert [(log["event"], log["subscriber"], log["failed"], log["exc_info"]) for log in logs] == [
        ("event_handler_failed", "bad", 1, failure)
    ]


async def test_handler_that_goes_on_failing_is_logged_once_a_second_with_the_count(rig: Rig) -> None:
    async def fails(_tick: Tick) -> None:
        raise ValueError("went wrong")

    rig.bus.handle(TICKS, "bad", fails)
    with capture_logs() as logs:
        for _ in range(3):
            await publish(rig.bus, *range(100))
            await settle()
            await rig.clock.advance(1)
    assert [log["failed"] for log in logs] == [1, 101, 201]


async def test_a_stuck_handler_delays_no_other(rig: Rig) -> None:
    good: list[int] = []

    async def stuck(_tick: Tick) -> None:
        await rig.clock.sleep(3600)

    rig.bus.handle(TICKS, "stuck", stuck, policy=OverflowPolicy.DROP_OLDEST, limit=2)
    rig.bus.handle(TICKS, "good", collector(good))
    for number in range(100):
        await publish(rig.bus, number)
        await asyncio.sleep(0)
    await settle()
    assert good == list(range(100))
    assert rig.status("stuck").dropped == 97


async def test_handler_may_leave_while_it_works(rig: Rig) -> None:
    seen: list[int] = []

    async def once(tick: Tick) -> None:
        seen.append(tick.number)
        subscription.close()
        await asyncio.sleep(0)
        seen.append(-1)

    subscription = rig.bus.handle(TICKS, "once", once)
    await publish(rig.bus, 1, 2)
    await settle()
    assert seen == [1, -1]
    assert rig.bus.queues() == ()


async def test_handler_that_would_wait_for_itself_is_told(rig: Rig) -> None:
    errors: list[BusDeadlockError] = []
    other = rig.bus.subscribe(TICKS, "other")

    async def echo(tick: Tick) -> None:
        if tick.number == 0:
            for number in (1, 2):
                try:
                    await publish(rig.bus, number)
                except BusDeadlockError as error:
                    errors.append(error)

    rig.bus.handle(TICKS, "echo", echo, limit=1)
    await publish(rig.bus, 0)
    assert await take(other, 3) == [0, 1, 2]
    await settle()
    assert "handler echo publishes to its own topic market.ticks and its queue is full" in str(errors[0])
    assert (len(errors), rig.status("echo").handled) == (1, 2)
