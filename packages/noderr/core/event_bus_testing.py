"""What the tests of the event bus share: events, topics, and a bus on a clock that a test turns."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine

import msgspec
from prometheus_client import CollectorRegistry

from noderr.core.event_bus import EventBus, Topic
from noderr.core.event_bus_subscription import QueueStatus, Subscription
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


@contextlib.asynccontextmanager
async def running_rig() -> AsyncIterator[Rig]:
    """A bus that has started; it is stopped when the block ends."""
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
