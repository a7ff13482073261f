"""A subscriber's side of the event bus: its bounded queue, what happens when that is full, and how events are taken."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from types import TracebackType
from typing import Self

import msgspec

from noderr.core.errors import BusClosedError, SubscriptionError

_TURN = 64
"""Events that a reader may take in a row before everybody else on the loop gets a turn."""


class OverflowPolicy(StrEnum):
    """What happens to an event when the subscriber's queue is full."""

    BLOCK = "block"  # the publisher waits: nothing is lost
    DROP_OLDEST = "drop-oldest"  # the oldest event in the queue is given up
    LATEST = "latest"  # the queue holds one event, the newest


class QueueStatus(msgspec.Struct, frozen=True):
    """One subscriber's queue at one moment. Counts are since the subscription was made.

    `dropped` events were never taken; `handled` ones were; `failed` is how many of those made the handler raise.
    """

    topic: str
    subscriber: str
    length: int
    limit: int
    dropped: int
    handled: int
    failed: int


class Subscription[T]:
    """An async iterator over one subscriber's events, for one task. It ends when the bus has stopped and it is empty.

    `with` closes it at the end of the block. The bus makes it; nobody else does.
    """

    def __init__(
        self,
        topic: str,
        name: str,
        policy: OverflowPolicy,
        limit: int,
        *,
        on_drop: Callable[[int], None],
        on_close: Callable[[Subscription[T]], None],
    ) -> None:
        self.topic = topic
        self.name = name
        self.failed = 0
        self.on_idle: Callable[[], None] | None = None
        self.blocks = policy is OverflowPolicy.BLOCK
        self._limit = limit
        self._on_drop = on_drop
        self._on_close = on_close
        self._events: deque[T] = deque()
        self._publishers: deque[tuple[T, asyncio.Future[None]]] = deque()
        self._reader: asyncio.Future[None] | None = None
        self._taken_in_a_row = 0
        self._ended = False
        self._handled = 0
        self._dropped = 0

    @property
    def length(self) -> int:
        """Events in the queue."""
        return len(self._events)

    @property
    def full(self) -> bool:
        return len(self._events) >= self._limit

    @property
    def idle(self) -> bool:
        """Whether its reader has taken everything and waits for more."""
        return not self._events and self._reader is not None

    def status(self) -> QueueStatus:
        return QueueStatus(
            self.topic, self.name, len(self._events), self._limit, self._dropped, self._handled, self.failed
        )

    def offer(self, event: T) -> asyncio.Future[None] | None:
        """Queue the event, or return what resolves once there was room for it."""
        events = self._events
        if len(events) >= self._limit:
            if self.blocks:
                waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._publishers.append((event, waiting))
                return waiting
            events.popleft()
            self._count_dropped(1)
        events.append(event)
        reader = self._reader
        if reader is not None and not reader.done():
            reader.set_result(None)
        return None

    def withdraw(self, waiting: asyncio.Future[None]) -> None:
        """Forget a publisher that waits no longer; its event is not delivered unless it already was."""
        for entry in self._publishers:
            if entry[1] is waiting:
                self._publishers.remove(entry)
                return

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        events = self._events
        if self._taken_in_a_row >= _TURN:
            self._taken_in_a_row = 0
            await asyncio.sleep(0)
        while not events:
            await self._wait()
        self._taken_in_a_row += 1
        self._handled += 1
        event = events.popleft()
        if self._publishers:
            self._let_one_in()
        return event

    def end(self, error: BusClosedError | None = None) -> None:
        """No more events will come: the iteration ends when those in the queue are taken.

        Publishers that wait for room get the `error`, or go on when there is none; either way their events are dropped.
        """
        self._ended = True
        for _, waiting in self._publishers:
            if waiting.done():
                continue
            if error is None:
                waiting.set_result(None)
            else:
                waiting.set_exception(error)
        self._count_dropped(len(self._publishers))
        self._publishers.clear()
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def reopen(self) -> None:
        """Events may come again."""
        self._ended = False

    def close(self) -> None:
        """Leave the topic. What is in the queue is dropped, and publishers that wait for room go on."""
        self._on_close(self)
        self.end()
        self.discard()

    def discard(self) -> int:
        """Drop what is in the queue; return how many events that were."""
        dropped = len(self._events)
        self._events.clear()
        self._count_dropped(dropped)
        return dropped

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _let_one_in(self) -> None:
        """Put the event of the publisher that waits longest straight into the queue, so that nobody overtakes it."""
        while self._publishers:
            event, waiting = self._publishers.popleft()
            if not waiting.done():  # Else it gave up a moment ago.
                self._events.append(event)
                waiting.set_result(None)
                return

    async def _wait(self) -> None:
        if self._ended:
            raise StopAsyncIteration
        if self._reader is not None:
            raise SubscriptionError(f"{self.name} of topic {self.topic} is read by two tasks: subscribe once for each")
        self._taken_in_a_row = 0
        self._reader = asyncio.get_running_loop().create_future()
        if self.on_idle is not None:
            self.on_idle()
        try:
            await self._reader
        finally:
            self._reader = None

    def _count_dropped(self, count: int) -> None:
        self._dropped += count
        self._on_drop(count)
