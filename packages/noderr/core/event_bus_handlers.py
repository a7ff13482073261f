"""The bus's own tasks: one for each handler, so that a slow or failing one disturbs no other."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from noderr.core.event_bus_subscription import Subscription
from noderr.telemetry import NodeMetrics
from noderr.utils import Clock

type Handler[T] = Callable[[T], Awaitable[None]]

_log = structlog.get_logger("noderr.core.event_bus")

_LOG_SECONDS = 1.0
"""How often a handler that goes on failing is logged; each record has the count."""

_CANCEL_SECONDS = 0.5
"""What a cancelled handler gets to end."""


class HandlerTasks:
    """Serves each handler's subscription from `start` to `drain`, also those added between the two."""

    def __init__(self, metrics: NodeMetrics, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock
        self._handlers: dict[Subscription[Any], Handler[Any]] = {}
        self._tasks: dict[asyncio.Task[None], Subscription[Any]] = {}
        self._ended: asyncio.Future[None] | None = None
        self._idle = asyncio.Event()

    def add[T](self, subscription: Subscription[T], handler: Handler[T]) -> None:
        self._handlers[subscription] = handler
        if self._ended is not None:
            self._serve(subscription, handler)

    def remove(self, subscription: Subscription[Any]) -> None:
        """Serve no more; a handler that is at work may finish. The subscription is closed, so that its task ends."""
        self._handlers.pop(subscription, None)

    def subscriptions(self) -> tuple[Subscription[Any], ...]:
        return tuple(self._handlers)

    def current(self) -> Subscription[Any] | None:
        """The subscription whose handler is asking; None when the caller is no handler."""
        task = asyncio.current_task()
        return None if task is None else self._tasks.get(task)

    def start(self) -> None:
        self._ended = asyncio.get_running_loop().create_future()
        for subscription, handler in self._handlers.items():
            self._serve(subscription, handler)

    async def run(self) -> None:
        """Return after `drain`; raise what ended a task of ours before it."""
        assert self._ended is not None, "run comes after start"
        await self._ended

    async def drain(self, limit_seconds: float) -> None:
        """Let the handlers finish what is queued for them, then end them. Harmless before `start`."""
        ended, self._ended = self._ended, None
        if ended is None:
            return
        self._idle.clear()
        for subscription in self._handlers:
            subscription.on_idle = self._look_for_idleness
        self._look_for_idleness()
        waits = [asyncio.create_task(self._idle.wait()), asyncio.create_task(self._clock.sleep(limit_seconds))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            tasks = [*waits, *self._tasks]
            for task in tasks:
                task.cancel()
            for subscription in self._handlers:
                subscription.on_idle = None
            if not ended.done():
                ended.set_result(None)
        _, late = await asyncio.wait(tasks, timeout=_CANCEL_SECONDS)
        if late:
            _log.error("event_handlers_do_not_end", handlers=sorted(task.get_name() for task in late))

    def _look_for_idleness(self) -> None:
        if all(subscription.idle for subscription in self._tasks.values()):
            self._idle.set()

    def _serve[T](self, subscription: Subscription[T], handler: Handler[T]) -> None:
        task = asyncio.create_task(self._handle_all(subscription, handler), name=f"handler {subscription.name}")
        self._tasks[task] = subscription
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        self._look_for_idleness()
        if not task.cancelled() and (error := task.exception()) and self._ended is not None and not self._ended.done():
            self._ended.set_exception(error)

    async def _handle_all[T](self, subscription: Subscription[T], handler: Handler[T]) -> None:
        logged = -math.inf
        async for event in subscription:
            try:
                await handler(event)
            except asyncio.CancelledError as error:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise
                failure: BaseException = error  # It cancelled itself.
            except Exception as error:  # Whatever it is, it is this handler's; the next event may go well.
                failure = error
            else:
                continue
            subscription.failed += 1
            self._metrics.bus_failed.labels(subscription.topic, subscription.name).inc()
            if self._clock.monotonic() - logged >= _LOG_SECONDS:
                logged = self._clock.monotonic()
                _log.error(
                    "event_handler_failed",
                    topic=subscription.topic,
                    subscriber=subscription.name,
                    failed=subscription.failed,
                    exc_info=failure,
                )
