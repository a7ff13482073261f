"""For tests: a venue's WebSocket server on loopback that does what a test says, and streams on a clock of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from prometheus_client import CollectorRegistry
from websockets.asyncio.server import ServerConnection, serve

from noderr.data_connectors.catalogue import FeedMetrics
from noderr.data_connectors.stream_client import Closed, Opened, RawFrame, StreamClient, StreamEvent
from noderr.data_connectors.stream_policy import StreamPolicy
from noderr.utils import Clock, ManualClock, seeded

type Behaviour = Callable[[ServerConnection], Awaitable[None]]
VENUE = "kraken"
_LIMIT_SECONDS = 10.0


class Venue:
    """A server; each connection is handled by the next of `behaviours`, and the last of them again and again."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self._behaviours = list(behaviours)
        self.connections = 0
        self.received: list[str | bytes] = []
        self.url = ""

    async def handle(self, connection: ServerConnection) -> None:
        behaviour = self._behaviours[min(self.connections, len(self._behaviours) - 1)]
        self.connections += 1
        await behaviour(connection)


@contextlib.asynccontextmanager
async def listening(*behaviours: Behaviour) -> AsyncIterator[Venue]:
    """The server, while the block runs."""
    venue = Venue(*behaviours)
    async with serve(venue.handle, "127.0.0.1", 0, ping_interval=None, close_timeout=0.1) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        venue.url = f"ws://127.0.0.1:{port}"
        yield venue


async def stays(connection: ServerConnection) -> None:
    """Says nothing, answers pings, and waits until the other side goes."""
    await connection.wait_closed()


class Listener:
    """A client, and what came of it so far."""

    def __init__(
        self, url: str, clock: Clock, policy: StreamPolicy | None = None, metrics: FeedMetrics | None = None
    ) -> None:
        self.registry = CollectorRegistry()
        self.client = StreamClient(
            VENUE,
            url,
            clock=clock,
            randomness=seeded(1, "test"),
            metrics=metrics or FeedMetrics(self.registry),
            policy=policy,
        )
        self.events: list[StreamEvent] = []

    @property
    def payloads(self) -> list[bytes]:
        return [event.payload for event in self.events if isinstance(event, RawFrame)]

    @property
    def reasons(self) -> list[str]:
        return [event.reason for event in self.events if isinstance(event, Closed)]

    @property
    def opened(self) -> int:
        return sum(isinstance(event, Opened) for event in self.events)

    async def run(self) -> None:
        async with contextlib.aclosing(self.client.events()) as events:
            async for event in events:
                self.events.append(event)


@contextlib.asynccontextmanager
async def listened(listener: Listener) -> AsyncIterator[Listener]:
    """The client runs while the block does; what failed in it is raised here."""
    task = asyncio.create_task(listener.run())
    try:
        yield listener
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], bool], clock: ManualClock | None = None, step_seconds: float = 0.0) -> None:
    """Wait until it holds, ten real seconds at most; `clock` goes on by `step_seconds` each time it does not yet."""
    async with asyncio.timeout(_LIMIT_SECONDS):
        while not condition():
            if clock is not None:
                await clock.advance(step_seconds)
            await asyncio.sleep(0.005)
