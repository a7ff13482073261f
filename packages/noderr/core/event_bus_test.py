"""Topics, who gets which events, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from noderr.core.errors import BusClosedError, EventTypeError, SubscriberFullError, SubscriptionError, TopicError
from noderr.core.event_bus import Topic
from noderr.core.event_bus_subscription import OverflowPolicy
from noderr.core.event_bus_testing import (
    FILLS,
    TICKS,
    FastTick,
    Fill,
    Rig,
    Tick,
    collector,
    publish,
    running_rig,
    settle,
    take,
)
from noderr.core.service import Service


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with running_rig() as rig:
        yield rig


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


async def test_publish_nowait_gives_to_all_or_to_none(rig: Rig) -> None:
    first, full = rig.bus.subscribe(TICKS, "first"), rig.bus.subscribe(TICKS, "full", limit=1)
    rig.bus.publish_nowait(TICKS, Tick(1))
    with pytest.raises(SubscriberFullError, match=r"subscriber full of topic market\.ticks has no room, 1 events wait"):
        rig.bus.publish_nowait(TICKS, Tick(2))
    assert await take(full, 1) == [1]
    rig.bus.publish_nowait(TICKS, Tick(3))
    assert await take(first, 2) == [1, 3]
    assert rig.metric("noderr_bus_published_total", topic="market.ticks") == 2


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
