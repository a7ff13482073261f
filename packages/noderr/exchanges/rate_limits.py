"""How fast a venue may be asked: several limits at once, and everybody in turn."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from noderr.core.errors import FiguresError
from noderr.core.rate_limiter import TokenBucket
from noderr.exchanges.errors import RateLimitedError
from noderr.utils import Clock

_LEAST_SLEEP_SECONDS = 1e-4
"""Less would only turn the loop: a bucket may be a rounding short when its time has come."""


@dataclass(frozen=True, slots=True)
class Pool:
    """One limit of a venue, such as 100 orders in 10 s: `Pool(10, 100)`. A token bucket: rate and burst."""

    per_second: float
    burst: float


@dataclass(frozen=True, slots=True)
class _Waiter:
    costs: Mapping[str, float]
    turn: asyncio.Future[None]


class RateLimits:
    """Pools of one account at one venue, in one event loop.

    A request may cost of several pools and gets from all of them or none. Who came first goes first; nobody is
    overtaken by somebody who wants of the same pool, and who wants of other pools need not wait for them.
    """

    def __init__(self, pools: Mapping[str, Pool], clock: Clock, *, most_waiting: int = 100) -> None:
        """Raises `FiguresError` for impossible figures."""
        if most_waiting < 1:
            raise FiguresError(f"most_waiting = {most_waiting!r}: must be at least 1")
        self._buckets = {name: TokenBucket(pool.per_second, pool.burst, clock) for name, pool in pools.items()}
        self._clock = clock
        self._most_waiting = most_waiting
        self._waiters: deque[_Waiter] = deque()
        self._serving: asyncio.Task[None] | None = None
        self._held_until = clock.monotonic()

    @property
    def waiting(self) -> int:
        """How many wait at this moment."""
        return len(self._waiters)

    async def acquire(self, costs: Mapping[str, float]) -> None:
        """Return when it is this request's turn and all its costs are paid.

        Raises `RateLimitedError` at once where too many wait already, `FiguresError` for a pool that does not exist
        or a cost that no burst has.
        """
        for name, cost in costs.items():
            if name not in self._buckets:
                raise FiguresError(f"{name!r} is no pool: name one of {', '.join(sorted(self._buckets))}")
            self._buckets[name].seconds_until(cost)  # Refuses what could never be had.
        waiter = _Waiter(dict(costs), asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        self._serve()
        if waiter.turn.done():
            return
        if len(self._waiters) > self._most_waiting:
            self._waiters.remove(waiter)
            raise RateLimitedError(f"{self._most_waiting} requests wait for the venue's limits already: ask for less")
        if self._serving is not None:
            self._serving.cancel()  # It may sleep for longer than this one has to wait.
        self._serving = asyncio.create_task(self._go_on_serving())
        try:
            await waiter.turn
        except asyncio.CancelledError:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            if not self._waiters and self._serving is not None:
                self._serving.cancel()
                self._serving = None
            raise

    def hold(self, seconds: float) -> None:
        """Let nobody through for so long: what a venue asked for that said "too many requests"."""
        self._held_until = max(self._held_until, self._clock.monotonic() + seconds)

    def _serve(self) -> float:
        """Let through whoever can go now; seconds until somebody else may, 0 when nobody waits."""
        held = self._held_until - self._clock.monotonic()
        if held > 0:
            return held if self._waiters else 0.0
        stopped: set[str] = set()
        left: deque[_Waiter] = deque()
        soonest = 0.0
        for waiter in self._waiters:
            if waiter.turn.done():
                continue
            wait = max((self._buckets[name].seconds_until(cost) for name, cost in waiter.costs.items()), default=0.0)
            behind = not stopped.isdisjoint(waiter.costs)
            if not behind and wait <= 0:
                for name, cost in waiter.costs.items():
                    self._buckets[name].try_take(cost)
                waiter.turn.set_result(None)
                continue
            stopped |= waiter.costs.keys()
            left.append(waiter)
            if not behind:
                soonest = wait if soonest == 0.0 else min(soonest, wait)
        self._waiters = left
        return max(soonest, _LEAST_SLEEP_SECONDS) if left else 0.0

    async def _go_on_serving(self) -> None:
        while (seconds := self._serve()) > 0:
            await self._clock.sleep(max(seconds, _LEAST_SLEEP_SECONDS))
        self._serving = None
