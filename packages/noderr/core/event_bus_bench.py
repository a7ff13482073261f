"""Measures the event bus against handing the same events over through bare `asyncio.Queue`s, in the same run.

    python -m noderr.core.event_bus_bench [EVENTS]

One publisher; every subscriber has a queue of 1,024 and loses nothing. Figures are medians of several rounds.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

import msgspec
from prometheus_client import CollectorRegistry

from noderr.core.event_bus import EventBus, Topic
from noderr.telemetry import NodeMetrics
from noderr.utils import SystemClock

_ROUNDS = 7
_LIMIT = 1024


class Tick(msgspec.Struct, frozen=True):
    number: int


_TICKS = Topic("ticks", Tick)


async def queues(events: int, subscribers: int) -> None:
    """The peer: what one would write without a bus."""
    targets: list[asyncio.Queue[Tick]] = [asyncio.Queue(_LIMIT) for _ in range(subscribers)]

    async def consume(queue: asyncio.Queue[Tick]) -> None:
        for _ in range(events):
            await queue.get()

    consumers = [asyncio.create_task(consume(queue)) for queue in targets]
    for number in range(events):
        tick = Tick(number)
        for queue in targets:
            await queue.put(tick)
    await asyncio.gather(*consumers)


async def iterators(events: int, subscribers: int) -> None:
    bus = _bus()
    subscriptions = [bus.subscribe(_TICKS, f"reader-{number}", limit=_LIMIT) for number in range(subscribers)]

    async def consume(number: int) -> None:
        async for tick in subscriptions[number]:
            if tick.number == events - 1:
                return

    consumers = [asyncio.create_task(consume(number)) for number in range(subscribers)]
    for number in range(events):
        await bus.publish(_TICKS, Tick(number))
    await asyncio.gather(*consumers)


async def handlers(events: int, subscribers: int) -> None:
    bus = _bus()
    handled = 0

    async def handler(_tick: Tick) -> None:
        nonlocal handled
        handled += 1

    for number in range(subscribers):
        bus.handle(_TICKS, f"handler-{number}", handler, limit=_LIMIT)
    await bus.start()
    for number in range(events):
        await bus.publish(_TICKS, Tick(number))
    await bus.stop()
    assert handled == events * subscribers, handled


def _bus() -> EventBus:
    return EventBus(NodeMetrics(CollectorRegistry(), tier="oracle", version="0.0.0"), SystemClock())


def main(events: int) -> None:
    """Print published messages a second, and each way's ratio to the bare queues."""
    ways: tuple[Callable[[int, int], Awaitable[None]], ...] = (queues, iterators, handlers)
    for subscribers in (1, 4):
        seconds: dict[str, list[float]] = {way.__name__: [] for way in ways}
        for _ in range(_ROUNDS):
            for way in ways:
                began = time.perf_counter()
                asyncio.run(_run(way, events, subscribers))
                seconds[way.__name__].append(time.perf_counter() - began)
        medians = {name: statistics.median(times) for name, times in seconds.items()}
        print(f"{subscribers} subscriber(s), {events:,} messages, medians of {_ROUNDS}")
        for name, median in medians.items():
            ratio = medians[queues.__name__] / median
            print(f"  {name:<10} {events / median:12,.0f} messages/s   {ratio:5.2f} of bare queues")


async def _run(way: Callable[[int, int], Awaitable[None]], events: int, subscribers: int) -> None:
    await way(events, subscribers)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
