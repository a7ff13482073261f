"""Waiting for something for a bounded time of a clock that is handed in."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from noderr.guardian_consensus.errors import TimeLimitError
from noderr.utils import Clock

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
