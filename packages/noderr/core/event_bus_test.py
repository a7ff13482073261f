from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine

import msgspec
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from noderr.core.errors import (
    BusClosedError,
    BusDeadlockError,
    EventTypeError,
    SubscriberFullError,
    SubscriptionError,
    TopicError,
)
from noderr.core.event_bus import EventBus, Topic
from noderr.core.event_bus_subscription import OverflowPolicy, QueueStatus, Subscription
from noderr.core.service import Service
from noderr.telemetry import NodeMetrics
from noderr.utils import ManualClock


class Tick(msgspec.Struct, frozen=True):
    number: int


class Fill(msgspec.Struct, frozen=True):
    order: str


class FastTick(Tick, frozen=True):
    venue: str = "fast"


TICKS = Topic("market.ticks", Tick)
FILLS = Topic("fills", Fill)

type Handler = Callable[[Tick], Coroutine[None, None, None]]


class Rig:
    """A bus with real metrics on a clock that a test turns."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.clock = ManualClock()
        self.bus = EventBus(NodeMetrics(self.registry, tier="oracle", version="1.2.3"), self.clock, drain_seconds=2)

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)

    def status(self, subscriber: str) -> QueueStatus:
        (found,) = (each for each in self.bus.queues() if each.subscriber == subscriber)
        return found


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    await rig.bus.start()
    yield rig
    stopping = asyncio.create_task(rig.bus.stop())
    await rig.clock.advance(2)
    await stopping


def collector(into: list[int]) -> Handler:
    async def collect(tick: Tick) -> None:
        into.append(tick.number)

    return collect


async def take(subscription: Subscription[Tick], count: int) -> list[int]:
    """The next `count` events, which must be there or come within a second."""
    async with asyncio.timeout(1):
        return [(await anext(subscription)).number for _ in range(count)]


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def publish(bus: EventBus, *numbers: int) -> None:
    for number in numbers:
        await bus.publish(TICKS, Tick(number))


async def test_every_subscriber_gets_every_event_in_order(rig: Rig) -> None:
    handled: list[int] = []
    rig.bus.handle(TICKS, "first", collector(handled))
    second, third = (rig.bus.subscribe(TICKS, name) for name in ("second", "third"))
    await publish(rig.bus, *range(10))
    await rig.bus.publish(FILLS, Fill("nobody listens"))
    await settle()
    assert handled == await take(second, 10) == await take(third, 10) == list(range(10))


async def test_it_is_a_service(rig: Rig) -> None:
    service: Service = rig.bus
    assert (service.name, service.critical, tuple(service.requires), service.missing()) == ("event-bus", True, (), ())


async def test_subscriptions_made_before_the_start_get_what_was_published_before_it() -> None:
    rig = Rig()
    handled: list[int] = []
    rig.bus.handle(TICKS, "early", collector(handled))
    await publish(rig.bus, 1)
    await settle()
    assert handled == []
    await rig.bus.start()
    await settle()
    assert handled == [1]
    await rig.bus.stop()


async def test_event_of_another_type_is_the_publishers_error_and_nobody_gets_it(rig: Rig) -> None:
    subscription = rig.bus.subscribe(TICKS, "one")
    with pytest.raises(EventTypeError, match=r"topic market\.ticks takes Tick, not Fill"):
        await rig.bus.publish(TICKS, Fill("1"))  # type: ignore[misc]  # What the test is about.
    with pytest.raises(EventTypeError):
        rig.bus.publish_nowait(TICKS, Fill("1"))  # type: ignore[misc]  # What the test is about.
    assert subscription.length == 0
    assert rig.metric("noderr_bus_published_total", topic="market.ticks") == 0


async def test_event_of_a_subtype_is_taken(rig: Rig) -> None:
    subscription = rig.bus.subscribe(TICKS, "one")
    await rig.bus.publish(TICKS, FastTick(4))
    assert await anext(subscription) == FastTick(4)


async def test_one_name_is_one_type(rig: Rig) -> None:
    rig.bus.subscribe(TICKS, "one")
    other = Topic("market.ticks", Fill)
    with pytest.raises(TopicError, match=r"topic market\.ticks is of Tick and cannot be of Fill as well"):
        rig.bus.subscribe(other, "two")
    with pytest.raises(TopicError):
        await rig.bus.publish(other, Fill("1"))


@pytest.mark.parametrize("name", ["", "Ticks", "ticks!", "ticks.", "9", "a b"])
async def test_bad_names_are_refused(rig: Rig, name: str) -> None:
    with pytest.raises(TopicError, match="lower case"):
        Topic(name, Tick)
    with pytest.raises(SubscriptionError, match="lower case"):
        rig.bus.subscribe(TICKS, name)


async def test_subscriptions_that_cannot_be_are_refused(rig: Rig) -> None:
    rig.bus.subscribe(TICKS, "one")
    with pytest.raises(SubscriptionError, match=r"'one' of topic market\.ticks exists already"):
        rig.bus.handle(TICKS, "one", collector([]))
    with pytest.raises(SubscriptionError, match="limit = 0: at least 1"):
        rig.bus.subscribe(TICKS, "two", limit=0)
    with pytest.raises(TopicError, match=r"int is no msgspec\.Struct"):
        Topic("numbers", int)  # type: ignore[type-var]  # What the test is about.


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


async def test_publish_nowait_gives_to_all_or_to_none(rig: Rig) -> None:
    first, full = rig.bus.subscribe(TICKS, "first"), rig.bus.subscribe(TICKS, "full", limit=1)
    rig.bus.publish_nowait(TICKS, Tick(1))
    with pytest.raises(SubscriberFullError, match=r"subscriber full of topic market\.ticks has no room, 1 events wait"):
        rig.bus.publish_nowait(TICKS, Tick(2))
    assert await take(full, 1) == [1]
    rig.bus.publish_nowait(TICKS, Tick(3))
    assert await take(first, 2) == [1, 3]
    assert rig.metric("noderr_bus_published_total", topic="market.ticks") == 2


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


async def test_queues_are_listed_by_topic(rig: Rig) -> None:
    rig.bus.subscribe(TICKS, "one")
    rig.bus.subscribe(FILLS, "two", limit=5)
    rig.bus.subscribe(TICKS, "three", policy=OverflowPolicy.LATEST)
    assert [(each.topic, each.subscriber, each.limit) for each in rig.bus.queues()] == [
        ("market.ticks", "one", 1024),
        ("market.ticks", "three", 1),
        ("fills", "two", 5),
    ]


async def test_bus_that_stopped_refuses_events() -> None:
    rig = Rig()
    await rig.bus.start()
    await rig.bus.stop()
    with pytest.raises(BusClosedError, match=r"has stopped: an event of topic market\.ticks cannot be delivered"):
        await publish(rig.bus, 1)
    with pytest.raises(BusClosedError):
        rig.bus.publish_nowait(TICKS, Tick(1))
