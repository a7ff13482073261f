"""Watches one connection: pings that are answered, frames that come, an age that is not passed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from prometheus_client import Histogram
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from noderr.data_connectors.stream_policy import StreamPolicy
from noderr.utils import Clock


class StreamWatch:
    """`cut` ends the connection, with the reason."""

    def __init__(
        self,
        connection: ClientConnection,
        cut: Callable[[str], None],
        *,
        policy: StreamPolicy,
        clock: Clock,
        randomness: random.Random,
        round_trip: Histogram,
    ) -> None:
        self._connection = connection
        self._policy = policy
        self._clock = clock
        self._cut = cut
        self._round_trip = round_trip
        self._heard = clock.monotonic()
        self._end = self._heard + policy.longest_life * randomness.uniform(0.95, 1.0)
        self._ping: asyncio.Task[None] | None = None

    def heard(self) -> None:
        """A frame came."""
        self._heard = self._clock.monotonic()

    async def run(self) -> None:
        """Return once the connection was cut."""
        beat = self._clock.monotonic() + self._policy.heartbeat
        try:
            while True:
                stale = self._heard + self._policy.stale
                await self._clock.sleep(min(beat, stale, self._end) - self._clock.monotonic())
                now = self._clock.monotonic()
                if reason := self._reason(now, beat):
                    self._cut(reason)
                    return
                if now >= beat:
                    beat = now + self._policy.heartbeat
                    self._ping = asyncio.create_task(self._send_ping(now))
        finally:
            if self._ping is not None:
                self._ping.cancel()
                await asyncio.wait({self._ping})

    def _reason(self, now: float, beat: float) -> str | None:
        if now >= self._end:
            return "its time is over: venues end connections after 24 hours"
        if now >= self._heard + self._policy.stale:
            return f"no frame came for {self._policy.stale:g} s"
        if now >= beat and self._ping is not None and not self._ping.done():
            return f"a ping was not answered for {self._policy.heartbeat:g} s"
        return None

    async def _send_ping(self, now: float) -> None:
        """In a task of its own: to somebody who does not read, even sending can take for ever."""
        try:
            await (await self._connection.ping())
        except ConnectionClosed:
            return  # The reader sees it too, and says why.
        self._round_trip.observe(self._clock.monotonic() - now)
