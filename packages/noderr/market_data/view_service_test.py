"""Views reach the oracles over real links, through restarts of either service, in numbers that tell what was missed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import msgspec

from noderr.core.consensus.handover import VIEW_TOPIC
from noderr.core.consensus.membership import membership_json
from noderr.core.event_bus import EventBus
from noderr.core.parts import NodeContext
from noderr.core.peers.testing import PeerNode, connected, until
from noderr.market_data.events import MarketEvent
from noderr.market_data.live_market import MarketName
from noderr.market_data.service import MarketDataService
from noderr.market_data.testing import SYMBOL, T0, VENUE, delta, snapshot, trade
from noderr.market_data.view_service import TICK_SECONDS, VIEWS_A_TICK, ViewService
from noderr.types.signing.account_key import AccountKey
from noderr.types.trading.market_view import MarketView
from noderr.types.trading.market_view_on_wire import market_view_from_wire
from noderr.types.wire import market_pb2
from noderr.utils import ManualClock

NAME = MarketName(VENUE, SYMBOL)


class Spoken:
    """A feed that says what a test says, of all markets that the service has."""

    markets: Sequence[MarketName] = ()
    take: Callable[[MarketEvent], None]

    def __init__(self) -> None:
        self.started = asyncio.Event()

    async def run(self, take: Callable[[MarketEvent], None]) -> None:
        self.take = take
        self.started.set()
        await asyncio.Event().wait()

    def heard_ns(self) -> int | None:
        return None

    def refused(self) -> Sequence[str]:
        return ()


class Rig:
    """A validator whose clock a test turns, and an oracle that writes down what it is told."""

    def __init__(self, folder: Path, names: Sequence[MarketName] = (NAME,), *, votes: bool = True) -> None:
        self.clock = ManualClock(T0)
        self.validator, self.oracle = PeerNode(1, "validator"), PeerNode(2, "oracle")
        self.told: list[MarketView] = []
        self.oracle.network.on(VIEW_TOPIC, self._on_view)
        account, other = AccountKey(b"\1" * 32), AccountKey(b"\2" * 32)
        (folder / "voters.json").write_bytes(
            membership_json(
                [
                    ("validator", (account if votes else AccountKey(b"\3" * 32)).address, self._key(self.validator), 1),
                    ("oracle", other.address, self._key(self.oracle), 1),
                ],
                chain_id=31337,
                verifying_contract=b"\xaa" * 20,
                genesis_unix_s=0,
                epoch=1,
            )
        )
        metrics = self.validator.metrics
        self.settings = SimpleNamespace(voters_file=folder / "voters.json")
        context = SimpleNamespace(
            clock=self.clock,
            data_dir=folder,
            bus=EventBus(metrics, self.clock),
            metrics=metrics,
            settings=self.settings,
            account=account,
            peers=self.validator.network,
        )
        node = cast(NodeContext, context)
        self.feed = Spoken()
        self.data = MarketDataService(node, names, lambda: [self.feed])
        self.views = ViewService(node, self.data)
        self._running: dict[str, asyncio.Task[None]] = {}

    @staticmethod
    def _key(node: PeerNode) -> bytes:
        return node.identity.public_key

    async def _on_view(self, sender: str, content: bytes) -> None:
        assert sender == self.validator.identity.node_id
        self.told.append(market_view_from_wire(market_pb2.MarketView.FromString(content)))

    async def start(self, service: MarketDataService | ViewService) -> None:
        self.feed.started.clear()
        await service.start()
        self._running[service.name] = asyncio.create_task(service.run())
        if service is self.data and self.data.names:
            await self.feed.started.wait()

    async def stop(self, service: MarketDataService | ViewService) -> None:
        await service.stop()
        await self._running.pop(service.name)

    @property
    def running(self) -> Sequence[str]:
        return tuple(self._running)

    async def tick(self, ticks: int = 1) -> list[MarketView]:
        """What the oracle is told in these ticks; the last message is awaited by one that follows it."""
        for _ in range(ticks):
            await self.clock.advance(TICK_SECONDS)
        end = b"end"
        ended = asyncio.Event()

        async def on_end(_sender: str, _content: bytes) -> None:
            ended.set()

        topic = f"end {len(self.told)} {self.clock.now_ns()}"
        self.oracle.network.on(topic, on_end)
        await until(lambda: self.validator.network.offer(self.oracle.identity.node_id, topic, end))
        async with asyncio.timeout(5):
            await ended.wait()
        told, self.told = self.told, []
        return told


@contextlib.asynccontextmanager
async def running(rig: Rig) -> AsyncIterator[Rig]:
    async with connected(rig.validator, rig.oracle):
        await rig.start(rig.data)
        await rig.start(rig.views)
        try:
            yield rig
        finally:
            for service in (rig.views, rig.data):
                if service.name in rig.running:
                    await rig.stop(service)


async def test_what_changed_is_told_every_200_ms(tmp_path: Path) -> None:
    async with running(Rig(tmp_path)) as rig:
        assert rig.views.missing() == ()
        assert await rig.tick() == []
        rig.feed.take(snapshot(0))
        rig.feed.take(trade(0.1, "100.5"))
        (first,) = await rig.tick()
        assert (first.venue, first.symbol, first.sequence, first.known) == (VENUE, SYMBOL, 1, True)
        assert [one.price for one in first.trades] == [Decimal("100.5")]
        assert await rig.tick(3) == []
        for part in range(1, 4):
            rig.feed.take(delta(0.2 + part / 10, bids=((10_000 + part, 1),)))
        (second,) = await rig.tick()
        assert (second.sequence, second.bids[0].price, second.trades) == (2, Decimal("100.03"), ())


async def test_a_restart_of_market_data_leaves_a_number_out(tmp_path: Path) -> None:
    async with running(Rig(tmp_path)) as rig:
        rig.feed.take(snapshot(0))
        assert [view.sequence for view in await rig.tick()] == [1]
        await rig.stop(rig.data)
        assert await rig.tick(2) == []
        await rig.start(rig.data)
        assert await rig.tick(2) == []
        rig.feed.take(snapshot(5, bids=((9_000, 1),)))
        (after,) = await rig.tick()
        assert (after.sequence, after.bids[0].price) == (3, Decimal(90))
        rig.feed.take(trade(6, "95"))
        (next_,) = await rig.tick()
        assert (next_.sequence, len(next_.trades)) == (4, 1)


async def test_a_restart_of_the_views_leaves_a_number_out_and_old_trades(tmp_path: Path) -> None:
    async with running(Rig(tmp_path)) as rig:
        rig.feed.take(snapshot(0))
        await rig.tick()
        await rig.stop(rig.views)
        rig.feed.take(trade(1, "100.5"))
        await rig.start(rig.views)
        rig.feed.take(trade(2, "100.6"))
        (view,) = await rig.tick()
        assert (view.sequence, [one.price for one in view.trades]) == (3, [Decimal("100.6")])


async def test_a_trade_that_no_view_can_hold_is_counted_as_missed(tmp_path: Path) -> None:
    async with running(Rig(tmp_path)) as rig:
        rig.feed.take(snapshot(0))
        await rig.tick()
        rig.feed.take(trade(1, "100.5", quantity="0"))
        rig.feed.take(delta(1.1, bids=((10_010, 1),)))
        (view,) = await rig.tick()
        assert (view.sequence, view.trades) == (3, ())


async def test_many_markets_share_the_ticks_and_none_is_forgotten(tmp_path: Path) -> None:
    names = [MarketName(VENUE, f"A{number}/USD") for number in range(2 * VIEWS_A_TICK + 3)]
    async with running(Rig(tmp_path, names)) as rig:
        for name in names:
            rig.feed.take(msgspec.structs.replace(snapshot(0), symbol=name.symbol))
        ticks = [await rig.tick() for _ in range(4)]
        assert [len(views) for views in ticks] == [VIEWS_A_TICK, VIEWS_A_TICK, 3, 0]
        assert {view.symbol for views in ticks for view in views} == {name.symbol for name in names}


async def test_without_feeds_it_says_nothing_and_without_voters_it_says_why(tmp_path: Path) -> None:
    rig = Rig(tmp_path, names=())
    rig.settings.voters_file = None
    async with running(rig):
        assert rig.views.missing() == ()
    rig = Rig(tmp_path)
    rig.settings.voters_file = None
    async with running(rig):
        assert rig.views.missing() == (
            "no oracle is told of the markets: nobody knows who they are: NODEOS_VOTERS_FILE is not set",
        )
        rig.feed.take(snapshot(0))
        assert await rig.tick() == []


async def test_who_does_not_vote_tells_nobody(tmp_path: Path) -> None:
    async with running(Rig(tmp_path, votes=False)) as rig:
        rig.feed.take(snapshot(0))
        assert await rig.tick() == []
        assert "is not among the validators that vote" in rig.views.missing()[0]
