"""What a service is. The supervisor starts, watches, restarts and stops everything that has this shape.

`run_until` is for a service that does several things at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Protocol


class Service(Protocol):
    """One task of a node that lasts as long as the node.

    The life cycle is start → run → stop, and again after a failure. Any exception is a failure, and so is a `run` that
    returns before `stop` was called: a service that has nothing to do is no service.
    """

    @property
    def name(self) -> str:
        """Unique in its node, lower case with hyphens; it is the label in metrics, logs and health reports."""

    @property
    def critical(self) -> bool:
        """Whether the node ends when this service is dead. If not, the node is not ready, and lives."""

    @property
    def requires(self) -> Sequence[str]:
        """Names of services that must run before this one starts, and that are stopped after it."""

    async def start(self) -> None:
        """Take what `run` needs (ports, files). When it returns the service can be used."""

    async def run(self) -> None:
        """Do the work until `stop` is called, and finish what has begun before returning."""

    async def stop(self) -> None:
        """Take no new work; `run` then returns. Also called after a failure, to let go of what `start` took.

        Cancelled when the node's time to drain is over. Must be harmless when called twice.
        """

    def missing(self) -> Sequence[str]:
        """What the running service still waits for (peers, data, credentials), in words; empty when ready."""


async def run_until(stopping: asyncio.Event, *works: Coroutine[object, object, None]) -> None:
    """Run all of these until `stopping` is set, then cancel them. What one raises ends the others, and is raised."""
    try:
        async with asyncio.TaskGroup() as tasks:
            loops = [tasks.create_task(work) for work in works]
            await stopping.wait()
            for loop in loops:
                loop.cancel()
    except ExceptionGroup as group:
        raise _first(group) from None


def _first(group: ExceptionGroup) -> Exception:
    """What went wrong itself: people read its text, and that of a group says nothing."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first
