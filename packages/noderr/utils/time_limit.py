"""Waiting by a clock that is handed in: for work, for a bounded time; for an event, or until the time is over."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from noderr.utils.clock import Clock
from noderr.utils.errors import TimeLimitError

_abandoned: set[asyncio.Task[object]] = set()
"""Cancelled and not ended yet: the loop itself holds tasks weakly."""


async def within[T](limit_s: float, clock: Clock, work: Coroutine[object, object, T]) -> T:
    """What `work` returns or raises. Raises `TimeLimitError` when it took more than `limit_s` seconds.

    It is cancelled then, and not waited for: what ignores the cancellation must not hold up its caller.
    """
    began = clock.monotonic()
    task: asyncio.Task[T] = asyncio.ensure_future(work)
    timer = asyncio.ensure_future(clock.sleep(limit_s))
    try:
        await asyncio.wait({task, timer}, return_when=asyncio.FIRST_COMPLETED)
        took_s = clock.monotonic() - began
        # The loop may wake late: what ended in time and was seen too late is too late, on every machine alike.
        if task.done() and took_s <= limit_s:
            return task.result()
    finally:
        timer.cancel()
        _abandon(task)
    raise TimeLimitError(f"it took {took_s:g} s and may take {limit_s:g} s")


async def event_or_time(event: asyncio.Event, seconds: float | None, clock: Clock) -> None:
    """Return when `event` is set or so many seconds have passed; without seconds, when it is set."""
    waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(event.wait())]
    if seconds is not None:
        waits.append(asyncio.ensure_future(clock.sleep(max(seconds, 0.0))))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        # Not awaited: a cancellation of ours that came meanwhile would be taken for theirs.
        for wait in waits:
            wait.cancel()


def _abandon[T](task: asyncio.Task[T]) -> None:
    if task.done():
        _forget(task)
        return
    task.cancel()
    _abandoned.add(task)
    task.add_done_callback(_forget)


def _forget[T](task: asyncio.Task[T]) -> None:
    _abandoned.discard(task)
    if not task.cancelled():
        task.exception()  # Looked at, or the loop complains that nobody did.
