"""Paper accounts as a service: they are fed, they survive a restart, and while they are down they say so."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from noderr.core.consensus.testing_nodes import VoterNode
from noderr.core.parts import NodeContext
from noderr.core.peers.testing import until
from noderr.exchanges.errors import VenueDownError
from noderr.exchanges.latency import ConstantLatency
from noderr.exchanges.market_rules import Listing
from noderr.exchanges.paper_service import PaperVenues
from noderr.exchanges.updates import Filled, OrderUpdate
from noderr.exchanges.venue import FeeSchedule
from noderr.market_data.events import BookSnapshot
from noderr.market_data.units import Scale
from noderr.types.trading import Instrument, Order, OrderType, Side, TimeInForce

SYMBOL = "BTC/USD"
INSTRUMENT = Instrument(
    symbol=SYMBOL,
    tick_size=Decimal("0.1"),
    lot_size=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    min_notional=Decimal(1),
)
LISTINGS = {"kraken": {SYMBOL: Listing(INSTRUMENT, FeeSchedule(maker=Decimal(0), taker=Decimal("0.001")))}}


def context(folder: Path) -> NodeContext:
    return VoterNode(1, "validator", folder, knows_voters=False).context()


def service(node: NodeContext) -> PaperVenues:
    return PaperVenues(node, LISTINGS, {"USD": Decimal(1_000)}, ConstantLatency())


@contextlib.asynccontextmanager
async def running(one: PaperVenues) -> AsyncIterator[None]:
    await one.start()
    task = asyncio.create_task(one.run())
    try:
        yield
    finally:
        await one.stop()
        await task


def snapshot(now_ns: int) -> BookSnapshot:
    return BookSnapshot(
        venue="kraken",
        symbol=SYMBOL,
        scale=Scale(1, 3),
        bids=((990, 1000),),
        asks=((1_000, 1000),),
        sequence=1,
        event_ns=None,
        received_ns=now_ns,
    )


def order(now_ns: int, name: str = "a-1") -> Order:
    return Order(
        client_order_id=name,
        symbol=SYMBOL,
        side=Side.BUY,
        type=OrderType.LIMIT,
        quantity=Decimal("0.5"),
        limit_price=Decimal("100.0"),
        time_in_force=TimeInForce.IOC,
        created_at_ns=now_ns,
    )


async def test_orders_are_filled_on_the_node_s_own_market_and_the_account_survives_a_restart(tmp_path: Path) -> None:
    node = context(tmp_path)
    venues = service(node)
    kraken, told = venues.venues["kraken"], list[OrderUpdate]()
    kraken.on_update(told.append)
    async with running(venues):
        venues.on_market(snapshot(node.clock.now_ns()))
        await kraken.submit(order(node.clock.now_ns()))
        await until(lambda: any(isinstance(one, Filled) for one in told))
        assert (await kraken.balances())["BTC"].total == Decimal("0.5")
    assert kraken.account is None
    async with running(venues):
        assert (await kraken.balances())["USD"].total == Decimal("949.95")
        found = await kraken.order("a-1", SYMBOL)
        assert found is not None
        assert found.filled == Decimal("0.5")


async def test_while_it_is_down_it_says_so(tmp_path: Path) -> None:
    venues = service(context(tmp_path))
    kraken = venues.venues["kraken"]
    with pytest.raises(VenueDownError, match="not open"):
        await kraken.open_orders()
    venues.on_market(snapshot(1_790_000_000_000_000_000))
    async with running(venues):
        assert await kraken.open_orders() == ()
        assert dict(await kraken.instruments()) == {SYMBOL: INSTRUMENT}
    with pytest.raises(VenueDownError, match="not open"):
        await kraken.submit(order(1_790_000_000_000_000_000))


async def test_stop_before_run_lets_go_of_the_files(tmp_path: Path) -> None:
    venues = service(context(tmp_path))
    await venues.start()
    await venues.stop()
    assert venues.venues["kraken"].account is None
