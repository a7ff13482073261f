"""The event bus: typed events from any service of a node to any other, in one process and on one event loop.

A subscriber never disturbs another one or, unless it asked for `BLOCK`, the publisher. Each gets the events of one
publisher in the order in which they were published.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import structlog

from noderr.core.errors import (
    BusClosedError,
    BusDeadlockError,
    EventTypeError,
    SubscriberFullError,
    SubscriptionError,
    TopicError,
)
from noderr.core.event_bus_handlers import Handler, HandlerTasks
from noderr.core.event_bus_subscription import OverflowPolicy, QueueStatus, Subscription
from noderr.telemetry import NodeMetrics
from noderr.utils import Clock

_log = structlog.get_logger("noderr.core.event_bus")
_NAME = re.compile(r"[a-z][a-z0-9]*([._-][a-z0-9]+)*", re.ASCII)


class Topic[T: msgspec.Struct](msgspec.Struct, frozen=True):
    """A name and the type of every event under it. Names are lower case and written in the code: they become labels."""

    name: str
    kind: type[T]

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise TopicError(f"topic {self.name!r}: use lower case letters and digits, parted by '.', '-' or '_'")
        if not issubclass(self.kind, msgspec.Struct):
            raise TopicError(f"topic {self.name}: {self.kind.__name__} is no msgspec.Struct")

    def check(self, event: T) -> None:
        """Raise `EventTypeError` unless the event is of this topic's type."""
        # That a topic takes its events keeps type checkers from passing a topic of one type for one of a wider type.
        if not isinstance(event, self.kind):
            raise EventTypeError(f"topic {self.name} takes {self.kind.__name__}, not {type(event).__name__}")


class _Channel:
    """A topic's subscribers, and how its events are counted."""

    __slots__ = ("count", "kind", "subscriptions")

    def __init__(self, kind: type[msgspec.Struct], count: Callable[[], None]) -> None:
        self.kind = kind
        self.count = count
        self.subscriptions: tuple[Subscription[Any], ...] = ()


class EventBus:
    """A critical service of every node. Subscriptions may be made before it starts.

    When it stops, events from outside are refused, handlers get up to `drain_seconds` to finish what is queued (what
    they publish meanwhile is taken), and then iterators end.
    """

    name = "event-bus"
    critical = True
    requires: tuple[str, ...] = ()

    def __init__(self, metrics: NodeMetrics, clock: Clock, *, drain_seconds: float = 2.0) -> None:
        self._metrics = metrics
        self._drain_seconds = drain_seconds
        self._channels: dict[str, _Channel] = {}
        self._handlers = HandlerTasks(metrics, clock)
        self._open = True
        self._stopping: asyncio.Task[None] | None = None

    def subscribe[T: msgspec.Struct](
        self, topic: Topic[T], name: str, *, policy: OverflowPolicy = OverflowPolicy.BLOCK, limit: int = 1024
    ) -> Subscription[T]:
        """A queue of up to `limit` events (one for `LATEST`) to iterate over. Close it when you read no more.

        `name` is unique in its topic. Raises `TopicError` or `SubscriptionError`.
        """
        channel = self._channel(topic)
        where = f"subscriber {name!r} of topic {topic.name}"
        if not _NAME.fullmatch(name):
            raise SubscriptionError(f"{where}: use lower case letters and digits, parted by '.', '-' or '_'")
        if any(other.name == name for other in channel.subscriptions):
            raise SubscriptionError(f"{where} exists already: give each a name of its own")
        if limit < 1:
            raise SubscriptionError(f"{where}: limit = {limit}: at least 1")
        if policy is OverflowPolicy.LATEST:
            limit = 1

        def close(subscription: Subscription[T]) -> None:
            if subscription in channel.subscriptions:
                channel.subscriptions = tuple(each for each in channel.subscriptions if each is not subscription)
                self._metrics.bus_queue.remove(topic.name, name)
                self._handlers.remove(subscription)

        dropped = self._metrics.bus_dropped.labels(topic.name, name)
        subscription = Subscription[T](topic.name, name, policy, limit, on_drop=dropped.inc, on_close=close)
        self._metrics.bus_queue.labels(topic.name, name).set_function(lambda: subscription.length)
        channel.subscriptions = (*channel.subscriptions, subscription)
        return subscription

    def handle[T: msgspec.Struct](
        self,
        topic: Topic[T],
        name: str,
        handler: Handler[T],
        *,
        policy: OverflowPolicy = OverflowPolicy.BLOCK,
        limit: int = 1024,
    ) -> Subscription[T]:
        """As `subscribe`; the bus, while it runs, calls `handler` with each event, one after the other.

        A handler that raises is logged and counted, and gets the next event.
        """
        subscription = self.subscribe(topic, name, policy=policy, limit=limit)
        self._handlers.add(subscription, handler)
        return subscription

    async def publish[T: msgspec.Struct](self, topic: Topic[T], event: T) -> None:
        """Give the event to every subscriber; wait only while a `BLOCK` subscriber has no room.

        Raises `EventTypeError`, `TopicError`, `BusClosedError` (nobody got it then), or `BusDeadlockError`. A publisher
        that is cancelled while it waits has delivered to all but those it waited for.
        """
        channel = self._channels.get(topic.name)
        if channel is None or type(event) is not channel.kind or not self._open:
            channel = self._checked(topic, event)
        channel.count()
        blocked: list[tuple[Subscription[T], asyncio.Future[None]]] | None = None
        for subscription in channel.subscriptions:
            waiting = subscription.offer(event)
            if waiting is not None:
                blocked = [*(blocked or ()), (subscription, waiting)]
        if blocked is not None:
            await self._wait_for_room(topic.name, blocked)

    def publish_nowait[T: msgspec.Struct](self, topic: Topic[T], event: T) -> None:
        """Give the event to every subscriber, or to none: raises `SubscriberFullError` when a `BLOCK` one has no room.

        Otherwise as `publish`.
        """
        channel = self._checked(topic, event)
        for subscription in channel.subscriptions:
            if subscription.blocks and subscription.full:
                raise SubscriberFullError(
                    f"subscriber {subscription.name} of topic {topic.name} has no room, {subscription.length} events "
                    f"wait for it: publish later, or await publish"
                )
        channel.count()
        for subscription in channel.subscriptions:
            subscription.offer(event)

    def queues(self) -> tuple[QueueStatus, ...]:
        """Every subscriber's queue, by topic."""
        return tuple(each.status() for channel in self._channels.values() for each in channel.subscriptions)

    async def start(self) -> None:
        self._open = True
        self._stopping = None
        for subscription in self._subscriptions():
            subscription.reopen()
        self._handlers.start()

    async def run(self) -> None:
        await self._handlers.run()

    async def stop(self) -> None:
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop(), name="event-bus stop")
        await self._stopping

    def missing(self) -> Sequence[str]:
        return ()

    async def _stop(self) -> None:
        self._open = False
        try:
            await self._handlers.drain(self._drain_seconds)
        finally:
            for subscription in self._subscriptions():
                subscription.end(BusClosedError(f"the event bus has stopped: {subscription.name} had no room"))
            undelivered = {f"{each.topic}/{each.name}": each.discard() for each in self._handlers.subscriptions()}
            if any(undelivered.values()):
                counts = {name: count for name, count in undelivered.items() if count}
                _log.error("events_undelivered", drain_seconds=self._drain_seconds, counts=counts)

    def _subscriptions(self) -> list[Subscription[Any]]:
        return [each for channel in self._channels.values() for each in channel.subscriptions]

    def _channel(self, topic: Topic[Any]) -> _Channel:
        channel = self._channels.get(topic.name)
        if channel is None:
            count = self._metrics.bus_published.labels(topic.name).inc
            channel = self._channels[topic.name] = _Channel(topic.kind, count)
        if channel.kind is not topic.kind:
            raise TopicError(
                f"topic {topic.name} is of {channel.kind.__name__} and cannot be of {topic.kind.__name__} as well"
            )
        return channel

    def _checked[T: msgspec.Struct](self, topic: Topic[T], event: T) -> _Channel:
        channel = self._channel(topic)
        topic.check(event)
        if not self._open and self._handlers.current() is None:
            raise BusClosedError(f"the event bus has stopped: an event of topic {topic.name} cannot be delivered")
        return channel

    async def _wait_for_room[T](
        self, topic: str, blocked: Sequence[tuple[Subscription[T], asyncio.Future[None]]]
    ) -> None:
        try:
            for subscription, waiting in blocked:
                if self._handlers.current() is subscription:
                    raise BusDeadlockError(
                        f"the handler {subscription.name} publishes to its own topic {topic} and its queue is full: "
                        f"raise its limit, or let it drop"
                    )
                await waiting
        finally:
            for subscription, waiting in blocked:
                if not waiting.done() or waiting.cancelled():
                    subscription.withdraw(waiting)
                else:
                    waiting.exception()  # Seen: the first one was raised, and they are alike.
