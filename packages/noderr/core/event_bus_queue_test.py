"""Subscribers' queues: publishers that wait, events that are dropped, readers that come and go."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest

from noderr.core.errors import SubscriptionError
from noderr.core.event_bus_subscription import OverflowPolicy, QueueStatus
from noderr.core.event_bus_testing import TICKS, Rig, Tick, publish, running_rig, settle, take


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with running_rig() as rig:
        yield rig


async def test_block_makes_the_publisher_wait_and_loses_nothing(rig: Rig) -> None:
    slow = rig.bus.subscribe(TICKS, "slow", limit=3)
    publishing = asyncio.create_task(publish(rig.bus, *range(10)))
    await settle()
    assert (slow.length, publishing.done()) == (3, False)
    assert await take(slow, 10) == list(range(10))
    await publishing
    assert rig.status("slow") == QueueStatus("market.ticks", "slow", 0, 3, 0, 10, 0)


async def test_publishers_that_wait_are_served_in_the_order_in_which_they_came(rig: Rig) -> None:
    slow = rig.bus.subscribe(TICKS, "slow", limit=1)
    publishing = []
    for number in range(5):
        publishing.append(asyncio.create_task(publish(rig.bus, number)))
        await asyncio.sleep(0)
    assert await take(slow, 2) == [0, 1]
    publishing.append(asyncio.create_task(publish(rig.bus, 5)))
    assert await take(slow, 4) == [2, 3, 4, 5]
    await asyncio.gather(*publishing)


async def test_while_a_publisher_waits_for_one_the_others_have_the_event(rig: Rig) -> None:
    stuck, quick = rig.bus.subscribe(TICKS, "stuck", limit=1), rig.bus.subscribe(TICKS, "quick")
    publishing = asyncio.create_task(publish(rig.bus, 1, 2))
    assert await take(quick, 2) == [1, 2]
    assert not publishing.done()
    assert await take(stuck, 2) == [1, 2]
    await publishing


async def test_a_publisher_that_gives_up_waiting_takes_its_event_back(rig: Rig) -> None:
    stuck, other = rig.bus.subscribe(TICKS, "stuck", limit=1), rig.bus.subscribe(TICKS, "also-stuck", limit=1)
    await publish(rig.bus, 1)
    for _ in range(100):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await publish(rig.bus, 2)
    assert len(stuck._publishers) == len(other._publishers) == 0
    assert await take(stuck, 1) == [1]
    assert stuck.length == 0


async def test_a_publisher_that_gave_up_a_moment_ago_delivers_nothing(rig: Rig) -> None:
    slow = rig.bus.subscribe(TICKS, "slow", limit=1)
    publishing = [asyncio.create_task(publish(rig.bus, number)) for number in range(3)]
    await settle()
    publishing[1].cancel()  # It has not been told yet when the reader makes room.
    assert await take(slow, 2) == [0, 2]
    await asyncio.wait(publishing)


@pytest.mark.parametrize(("policy", "left"), [(OverflowPolicy.DROP_OLDEST, [7, 8, 9]), (OverflowPolicy.LATEST, [9])])
async def test_dropping_subscribers_keep_the_newest_and_delay_nobody(
    rig: Rig, policy: OverflowPolicy, left: list[int]
) -> None:
    slow = rig.bus.subscribe(TICKS, "slow", policy=policy, limit=3)
    for number in range(10):
        # Not even one turn of the loop: the coroutine ends without ever being suspended.
        with pytest.raises(StopIteration):
            rig.bus.publish(TICKS, Tick(number)).send(None)
    assert rig.metric("noderr_bus_queue_events", topic="market.ticks", subscriber="slow") == len(left)
    assert await take(slow, len(left)) == left
    lost = 10 - len(left)
    assert rig.status("slow") == QueueStatus("market.ticks", "slow", 0, len(left), lost, len(left), 0)
    assert rig.metric("noderr_bus_published_total", topic="market.ticks") == 10
    assert rig.metric("noderr_bus_dropped_total", topic="market.ticks", subscriber="slow") == lost
    assert rig.metric("noderr_bus_queue_events", topic="market.ticks", subscriber="slow") == 0


async def test_a_busy_reader_lets_the_loop_turn(rig: Rig) -> None:
    subscription = rig.bus.subscribe(TICKS, "greedy", limit=10_000)
    await publish(rig.bus, *range(10_000))
    turns = itertools.count()

    async def other() -> None:
        while True:
            next(turns)
            await asyncio.sleep(0)

    watcher = asyncio.create_task(other())
    await take(subscription, 10_000)
    watcher.cancel()
    assert next(turns) > 100


async def test_one_queue_has_one_reader(rig: Rig) -> None:
    subscription = rig.bus.subscribe(TICKS, "one")
    reading = asyncio.create_task(take(subscription, 1))
    await settle()
    with pytest.raises(SubscriptionError, match="is read by two tasks"):
        await anext(subscription)
    await publish(rig.bus, 1)
    assert await reading == [1]


async def test_cancelled_reader_loses_no_event(rig: Rig) -> None:
    subscription = rig.bus.subscribe(TICKS, "one")
    reading = asyncio.create_task(take(subscription, 1))
    await settle()
    rig.bus.publish_nowait(TICKS, Tick(1))
    reading.cancel()
    await asyncio.wait([reading])
    assert await take(subscription, 1) == [1]


async def test_who_leaves_gets_nothing_more_and_frees_who_waits(rig: Rig) -> None:
    with rig.bus.subscribe(TICKS, "leaver", limit=1) as subscription:
        publishing = asyncio.create_task(publish(rig.bus, 1, 2, 3))
        await settle()
        assert not publishing.done()
    await asyncio.wait_for(publishing, 1)
    assert rig.bus.queues() == ()
    assert subscription.status() == QueueStatus("market.ticks", "leaver", 0, 1, 2, 0, 0)
    assert rig.metric("noderr_bus_queue_events", topic="market.ticks", subscriber="leaver") is None
    assert rig.metric("noderr_bus_dropped_total", topic="market.ticks", subscriber="leaver") == 2
    assert [event async for event in subscription] == []
    subscription.close()
    again = rig.bus.subscribe(TICKS, "leaver")
    await publish(rig.bus, 4)
    assert await take(again, 1) == [4]
