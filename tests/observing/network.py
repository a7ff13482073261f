"""Validators and oracles in one process, with real connections, on a made-up market whose queues foretell its moves."""

from __future__ import annotations

import asyncio
import contextlib
import copy
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from noderr.core.consensus.membership import membership_json
from noderr.core.consensus.testing_nodes import VoterNode
from noderr.core.peers.testing import connected
from noderr.core.service import Service
from noderr.market_data.events import BookSnapshot, MarketEvent
from noderr.market_data.live_market import MarketName
from noderr.market_data.service import MarketDataService
from noderr.market_data.units import Scale
from noderr.market_data.view_service import ViewService
from noderr.utils import Clock, seeded

NAME = MarketName("kraken", "BTC/USD")
_FIRST = 10_000
_HEAVY, _LIGHT = 90, 10


class MadeUpMarket:
    """Each step moves the price by a tick, the way of the heavier queue before it."""

    def __init__(self, seed: int) -> None:
        self._rng = seeded(seed, "market")
        self._bid = _FIRST
        self._up = True

    def step(self) -> None:
        """The move that the queues foretold, and which comes after it."""
        self._bid += 1 if self._up else -1
        self._up = self._rng.random() < 0.5

    def jump(self, ticks: int) -> None:
        """A move that nothing foretold."""
        self._bid += ticks

    @property
    def goes_up(self) -> bool:
        return self._up

    def book(self, now_ns: int, *, mirrored: bool = False) -> BookSnapshot:
        """`mirrored` is what a liar tells: bids for asks, and every move the other way."""
        up = self._up != mirrored
        bid = 2 * _FIRST - self._bid if mirrored else self._bid
        return BookSnapshot(
            venue=NAME.venue,
            symbol=NAME.symbol,
            scale=Scale(2, 3),
            bids=((bid, _HEAVY if up else _LIGHT),),
            asks=((bid + 2, _LIGHT if up else _HEAVY),),
            sequence=None,
            event_ns=None,
            received_ns=now_ns,
        )


class Feed:
    """Tells what a test says, while it runs."""

    markets = (NAME,)

    def __init__(self) -> None:
        self.take: Callable[[MarketEvent], None] | None = None

    async def run(self, take: Callable[[MarketEvent], None]) -> None:
        self.take = take
        try:
            await asyncio.Event().wait()
        finally:
            self.take = None

    def heard_ns(self) -> int | None:
        return None

    def refused(self) -> Sequence[str]:
        return ()


class Member:
    """A node of a tier. `clock` is that of its services; its connections live in the machine's time."""

    def __init__(self, number: int, tier: str, folder: Path, clock: Clock, **settings: Any) -> None:
        self.tier = tier
        self.voter = VoterNode(number, tier, folder)
        self.peer = self.voter.peer
        plain = self.voter.context()
        self.context = copy.replace(plain, clock=clock, settings=plain.settings.model_copy(update=settings))


class Validator:
    """Its market data and its views."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self.feed = Feed()
        self.data = MarketDataService(member.context, [NAME], lambda: [self.feed])
        self.views = ViewService(member.context, self.data)

    def say(self, event: MarketEvent) -> None:
        assert self.feed.take is not None, "market data is not running"
        self.feed.take(event)


class Running:
    """Services that were started, each until it is stopped."""

    def __init__(self) -> None:
        self._tasks: dict[int, tuple[Service, asyncio.Task[None]]] = {}

    async def start(self, *services: Service) -> None:
        for service in services:
            await service.start()
            self._tasks[id(service)] = service, asyncio.create_task(service.run())
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def stop(self, service: Service) -> None:
        _, task = self._tasks.pop(id(service))
        await service.stop()
        await task

    async def stop_all(self) -> None:
        for service, _ in reversed(list(self._tasks.values())):
            await self.stop(service)


def write_voters(folder: Path, members: Sequence[Member], *, genesis_unix_s: int = 0, round_ms: int = 30_000) -> None:
    """All of them vote in their tiers."""
    content = membership_json(
        [(one.tier, one.voter.account.address, one.peer.identity.public_key, 10) for one in members],
        chain_id=31337,
        verifying_contract=b"\xaa" * 20,
        genesis_unix_s=genesis_unix_s,
        epoch=1,
        round_ms={"oracle": round_ms},
    )
    (folder / "voters.json").write_bytes(content)


@contextlib.asynccontextmanager
async def linked(*members: Member) -> AsyncIterator[Running]:
    """All of them connected; what was started is stopped in the end."""
    running = Running()
    async with connected(*(one.peer for one in members)):
        try:
            yield running
        finally:
            await running.stop_all()
