"""How the bus ends: what is queued is handled, up to a limit, and nobody is left waiting."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from noderr.core.errors import BusClosedError
from noderr.core.event_bus import EventBus, Topic
from noderr.core.status import ServiceState, StatusBoard
from noderr.core.supervisor import Supervisor
from noderr.telemetry import NodeMetrics
from noderr.utils import ManualClock


class Tick(msgspec.Struct, frozen=True):
    number: int


TICKS = Topic("ticks", Tick)
ECHOES = Topic("echoes", Tick)


class Rig:
    """A bus that runs, on a clock that a test turns."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        metrics = NodeMetrics(CollectorRegistry(), tier="oracle", version="1.2.3")
        self.bus = EventBus(metrics, self.clock, drain_seconds=2)

    async def start(self) -> None:
        await self.bus.start()
        self.running = asyncio.create_task(self.bus.run())

    async def publish(self, *numbers: int) -> None:
        for number in numbers:
            await self.bus.publish(TICKS, Tick(number))

    async def slowly(self, _tick: Tick) -> None:
        await self.clock.sleep(0.5)


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def test_what_is_queued_is_handled_before_the_end(rig: Rig) -> None:
    rig.bus.handle(TICKS, "slow", rig.slowly)
    await rig.start()
    await rig.publish(1, 2, 3)
    stopping = asyncio.create_task(rig.bus.stop())
    await rig.clock.advance(1.4)
    assert not stopping.done()
    assert not rig.running.done()
    await rig.clock.advance(0.1)
    await asyncio.wait_for(stopping, 1)
    await asyncio.wait_for(rig.running, 1)
    assert [status.handled for status in rig.bus.queues()] == [3]


async def test_stop_takes_no_time_when_nothing_is_queued(rig: Rig) -> None:
    rig.bus.handle(TICKS, "slow", rig.slowly)
    await rig.start()
    await asyncio.wait_for(rig.bus.stop(), 1)
    await asyncio.wait_for(rig.running, 1)
    assert rig.clock.monotonic() == 0


async def test_what_takes_too_long_is_cancelled_counted_and_logged(rig: Rig) -> None:
    rig.bus.handle(TICKS, "slow", rig.slowly)
    await rig.start()
    await rig.publish(*range(10))
    with capture_logs() as logs:
        stopping = asyncio.create_task(rig.bus.stop())
        await rig.clock.advance(2)
        await asyncio.wait_for(stopping, 1)
    await asyncio.wait_for(rig.running, 1)
    (status,) = rig.bus.queues()
    assert (status.length, status.dropped + status.handled) == (0, 10)
    assert status.dropped >= 5
    assert [(log["event"], log["counts"]) for log in logs] == [("events_undelivered", {"ticks/slow": status.dropped})]


async def test_handlers_may_publish_while_the_bus_drains_and_nobody_else(rig: Rig) -> None:
    echoes: list[int] = []

    async def echo(tick: Tick) -> None:
        await rig.clock.sleep(0.5)
        await rig.bus.publish(ECHOES, tick)

    async def collect(tick: Tick) -> None:
        echoes.append(tick.number)

    rig.bus.handle(ECHOES, "collector", collect)
    rig.bus.handle(TICKS, "echo", echo)
    reader = rig.bus.subscribe(ECHOES, "reader")
    await rig.start()
    await rig.publish(1, 2)
    stopping = asyncio.create_task(rig.bus.stop())
    await rig.clock.advance(0.1)
    with pytest.raises(BusClosedError):
        await rig.publish(3)
    await rig.clock.advance(1)
    await asyncio.wait_for(stopping, 1)
    assert echoes == [1, 2]
    assert [tick.number async for tick in reader] == [1, 2]


async def test_readers_get_what_is_queued_and_then_end(rig: Rig) -> None:
    waiting, behind = rig.bus.subscribe(TICKS, "waiting"), rig.bus.subscribe(TICKS, "behind")
    await rig.start()

    async def read_all() -> list[int]:
        return [tick.number async for tick in waiting]

    reading = asyncio.create_task(read_all())
    await rig.publish(1, 2)
    await rig.bus.stop()
    assert await asyncio.wait_for(reading, 1) == [1, 2]
    assert [tick.number async for tick in behind] == [1, 2]


async def test_publishers_that_wait_for_room_are_told(rig: Rig) -> None:
    for name in ("nobody-reads", "nor-this"):
        rig.bus.subscribe(TICKS, name, limit=1)
    await rig.start()
    publishing = asyncio.create_task(rig.publish(1, 2))
    await asyncio.sleep(0)
    await rig.bus.stop()
    with pytest.raises(BusClosedError, match="the event bus has stopped: nobody-reads had no room"):
        await asyncio.wait_for(publishing, 1)
    assert [status.dropped for status in rig.bus.queues()] == [1, 1]


async def test_handler_that_waits_for_room_does_not_keep_the_bus_from_ending(rig: Rig) -> None:
    async def echo(tick: Tick) -> None:
        await rig.bus.publish(ECHOES, tick)

    rig.bus.subscribe(ECHOES, "nobody-reads", limit=1)
    rig.bus.handle(TICKS, "echo", echo)
    await rig.start()
    await rig.publish(1, 2, 3)
    stopping = asyncio.create_task(rig.bus.stop())
    await rig.clock.advance(2)
    await asyncio.wait_for(stopping, 1)
    await asyncio.wait_for(rig.running, 1)


async def test_stop_twice_or_before_the_start_is_harmless(rig: Rig) -> None:
    await rig.bus.stop()
    await rig.start()
    await asyncio.gather(rig.bus.stop(), rig.bus.stop())
    await rig.bus.stop()
    await asyncio.wait_for(rig.running, 1)


async def test_bus_that_starts_again_serves_the_same_subscribers(rig: Rig) -> None:
    seen: list[int] = []

    async def collect(tick: Tick) -> None:
        seen.append(tick.number)

    rig.bus.handle(TICKS, "handler", collect)
    reader = rig.bus.subscribe(TICKS, "reader")

    async def read_all() -> list[int]:
        return [tick.number async for tick in reader]

    for number in (1, 2):
        await rig.start()
        reading = asyncio.create_task(read_all())
        await asyncio.sleep(0)
        await rig.publish(number)
        await rig.bus.stop()
        await asyncio.wait_for(rig.running, 1)
        assert await asyncio.wait_for(reading, 1) == [number]
    assert seen == [1, 2]


async def test_supervisor_runs_and_drains_it(rig: Rig) -> None:
    seen: list[int] = []

    async def collect(tick: Tick) -> None:
        await asyncio.sleep(0.01)
        seen.append(tick.number)

    rig.bus.handle(TICKS, "handler", collect)
    board, stop = StatusBoard(), asyncio.Event()
    running = asyncio.create_task(Supervisor([rig.bus], board, drain_seconds=5).run(stop))
    async with asyncio.timeout(5):
        while board.status("event-bus").state is not ServiceState.RUNNING:  # noqa: ASYNC110  (a board has no events)
            await asyncio.sleep(0.001)
        await rig.publish(1, 2, 3)
        stop.set()
        await running
    assert seen == [1, 2, 3]
    assert board.status("event-bus").state is ServiceState.STOPPED
