"""For tests: our side of a venue on loopback, with real signatures."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from pydantic import SecretStr

from noderr.exchanges import ccxt_binance_testing as binance
from noderr.exchanges import ccxt_kraken_testing as kraken
from noderr.exchanges.ccxt_credentials import VenueCredentials
from noderr.exchanges.ccxt_testing import JumpingClock, serving
from noderr.exchanges.ccxt_venue import CcxtVenue
from noderr.exchanges.updates import (
    OrderUpdate,
)

type Server = binance.BinanceServer | kraken.KrakenServer
KEYS = {"binance": (binance.API_KEY, binance.SECRET), "kraken": (kraken.API_KEY, kraken.SECRET)}
TIMEOUT_SECONDS = 1.0


@dataclass
class Setup:
    server: Server
    venue: CcxtVenue
    clock: JumpingClock
    updates: list[OrderUpdate] = field(default_factory=list)

    @property
    def creates(self) -> int:
        path = self.server.create_path
        return sum(one.method == "POST" and one.path.endswith("/" + path) for one in self.server.requests)

    def said(self) -> list[str]:
        return [type(update).__name__ for update in self.updates]


@contextlib.asynccontextmanager
async def trading(
    server: Server,
    *,
    key: str | None = None,
    secret: str | None = None,
    clock: JumpingClock | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> AsyncIterator[Setup]:
    clock = clock or JumpingClock()
    api_key, api_secret = KEYS[server.name]
    async with serving(server) as urls:
        venue = CcxtVenue(
            server.name,
            VenueCredentials(SecretStr(key or api_key), SecretStr(secret or api_secret)),
            clock,
            sandbox=False,
            timeout_seconds=timeout_seconds,
            urls=urls,
        )
        setup = Setup(server, venue, clock)
        venue.on_update(setup.updates.append)
        try:
            yield setup
        finally:
            await venue.close()


async def until(done: Callable[[], bool]) -> None:
    """What is waited for happens in this event loop."""
    while not done():  # noqa: ASYNC110 (nobody tells of it)
        await asyncio.sleep(0.001)
