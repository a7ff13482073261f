"""A WebSocket connection that comes back: after a drop, silence, an unanswered ping, and before 24 hours end.

Every wait is the injected clock's; every jitter the injected generator's.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Coroutine
from dataclasses import dataclass

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from noderr.core.circuit_breaker import CircuitBreaker
from noderr.core.errors import CircuitOpenError
from noderr.data_connectors.catalogue import FeedMetrics
from noderr.data_connectors.errors import NotConnectedError
from noderr.data_connectors.stream_policy import StreamPolicy
from noderr.data_connectors.stream_watch import StreamWatch
from noderr.utils import Clock

_log = structlog.get_logger("noderr.data_connectors.stream")
_MAX_FRAME_BYTES = 32 << 20
"""A whole book of the largest venue has a tenth of it."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection is open: subscribe."""


@dataclass(frozen=True, slots=True)
class RawFrame:
    """A frame as it came; `received_ns` is this machine's UTC."""

    received_ns: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Closed:
    """The connection is gone. `heard_ns` is when its last frame came, or when it opened."""

    reason: str
    heard_ns: int


type StreamEvent = Opened | RawFrame | Closed


class StreamClient:
    """One connection at a time to `url`; `venue` is its name in logs and metrics."""

    def __init__(
        self,
        venue: str,
        url: str,
        *,
        clock: Clock,
        randomness: random.Random,
        metrics: FeedMetrics,
        policy: StreamPolicy | None = None,
    ) -> None:
        self.venue = venue
        self._url = url
        self._clock = clock
        self._randomness = randomness
        self._metrics = metrics
        self._policy = policy or StreamPolicy()
        self._breaker = CircuitBreaker(f"feed {venue}", clock, self._policy.breaker)
        self._connection: ClientConnection | None = None
        self._cut_reason: str | None = None
        self._heard_ns: int | None = None
        self._failures = 0
        """In a row."""

    def heard_ns(self) -> int | None:
        """When the last frame came on the connection that is open, in ns UTC; None when there is none."""
        return self._heard_ns

    async def events(self) -> AsyncGenerator[StreamEvent]:
        """Connect, hand out what comes, connect again, for ever. Close the iterator, or cancel, to end it.

        Each `Opened` is followed by its `Closed`, unless the iterator is closed before.
        """
        while True:
            try:
                permit = self._breaker.admit()
            except CircuitOpenError as error:
                _log.warning("feed paused", venue=self.venue, retry_seconds=error.retry_seconds)
                await self._clock.sleep(error.retry_seconds)
                continue
            connection = await self._connect()
            if connection is None:
                permit.failed()
                await self._pause()
                continue
            began = self._clock.monotonic()
            try:
                async with contextlib.aclosing(self._read(connection)) as events:
                    async for event in events:
                        yield event
            except BaseException:
                permit.abandoned()
                raise
            if self._clock.monotonic() - began >= self._policy.steady:
                permit.succeeded()
                self._failures = 0
            else:
                permit.failed()
            await self._pause()

    async def send(self, text: str) -> None:
        """Raises `NotConnectedError`."""
        if self._connection is None:
            raise NotConnectedError(f"{self.venue}: no connection is open to send on")
        try:
            await self._connection.send(text)
        except ConnectionClosed as error:
            raise NotConnectedError(f"{self.venue}: {_close_words(error)}") from error

    def cut(self, reason: str) -> None:
        """End the connection that is open, at once; the next one is made as after any other end."""
        if self._connection is not None and self._cut_reason is None:
            self._cut_reason = reason
            # Not a handshake of closing: whoever does not answer a ping does not answer that either.
            self._connection.transport.abort()

    async def _connect(self) -> ClientConnection | None:
        outcome = "failed"
        try:
            # The library's own timers run on the machine's clock; all of them are off.
            connection = await self._within(
                self._policy.connect,
                _open(self._url),
            )
            outcome = "opened"
            return connection
        except (OSError, WebSocketException, TimeoutError) as error:
            _log.warning("feed cannot connect", venue=self.venue, problem=f"{type(error).__name__}: {error}"[:300])
            return None
        finally:
            self._metrics.connections.labels(self.venue, outcome).inc()

    async def _within[T](self, seconds: float, work: Coroutine[None, None, T]) -> T:
        """What `work` returns, or `TimeoutError` when it takes longer."""
        task, timer = asyncio.ensure_future(work), asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait({task, timer}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise TimeoutError(f"no connection within {seconds:g} s")
            return task.result()
        finally:
            task.cancel()
            timer.cancel()
            await asyncio.wait({task, timer})

    async def _read(self, connection: ClientConnection) -> AsyncGenerator[StreamEvent]:
        frames, received = self._metrics.frames.labels(self.venue), self._metrics.received_bytes.labels(self.venue)
        watch = StreamWatch(
            connection,
            self.cut,
            policy=self._policy,
            clock=self._clock,
            randomness=self._randomness,
            round_trip=self._metrics.round_trip.labels(self.venue),
        )
        heard_ns = self._clock.now_ns()
        self._connection, self._cut_reason = connection, None
        self._metrics.connected.labels(self.venue).set(1)
        watching = asyncio.create_task(watch.run())
        try:
            yield Opened()
            with contextlib.suppress(ConnectionClosed):
                while True:
                    # Of text too: what is not UTF-8 is refused by the parser, with all else that makes no sense.
                    payload = await connection.recv(decode=False)
                    heard_ns = self._heard_ns = self._clock.now_ns()
                    watch.heard()
                    frames.inc()
                    received.inc(len(payload))
                    yield RawFrame(heard_ns, payload)
            reason = self._cut_reason or _end_words(connection)
            _log.info("feed closed", venue=self.venue, reason=reason)
        finally:
            self._connection = self._heard_ns = None
            self._metrics.connected.labels(self.venue).set(0)
            watching.cancel()
            await asyncio.wait({watching})
            connection.transport.abort()
        yield Closed(reason, heard_ns)

    async def _pause(self) -> None:
        seconds = self._policy.backoff.jittered_seconds(self._failures, self._randomness)
        self._failures += 1
        await self._clock.sleep(seconds)


async def _open(url: str) -> ClientConnection:
    return await connect(
        url,
        open_timeout=None,
        ping_interval=None,
        close_timeout=None,
        max_size=_MAX_FRAME_BYTES,
        compression=None,
        proxy=None,
    )


def _close_words(error: ConnectionClosed) -> str:
    return f"the connection is closed: {error}"[:300]


def _end_words(connection: ClientConnection) -> str:
    """How the other side ended it."""
    code = connection.close_code
    said = f" {connection.close_reason}" if connection.close_reason else ""
    return "the connection was dropped" if code in (None, 1006) else f"the venue closed with code {code}{said}"[:300]
