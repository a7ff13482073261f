"""Trading on paper: a venue like any other, whose account is on the disk before anybody hears of it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path

import pytest

from noderr.exchanges.errors import (
    AccountError,
    InvalidOrderError,
    OutcomeUnknownError,
    VenueDownError,
)
from noderr.exchanges.latency import ConstantLatency, LatencyModel
from noderr.exchanges.market_rules import Listing
from noderr.exchanges.paper_store import PaperStore
from noderr.exchanges.paper_venue import PaperVenue
from noderr.exchanges.testing import FEES, INSTRUMENT, NO_FEES, order, said, traded
from noderr.exchanges.updates import OrderUpdate, VenueOrder
from noderr.exchanges.venue import FeeSchedule, Venue
from noderr.market_data.events import MarketEvent
from noderr.market_data.testing import SYMBOL, T0, VENUE, delta, snapshot
from noderr.types.trading import OrderState, Side, TimeInForce
from noderr.utils import ManualClock, StoreError

SECOND = 10**9
MARKET = snapshot(0, ((10_000, 5_000),), ((10_100, 7_000),))
NOW = ConstantLatency()


class Desk:
    """A paper venue that runs, and what it tells."""

    def __init__(self, venue: PaperVenue, clock: ManualClock) -> None:
        self.venue = venue
        self.clock = clock
        self.updates: list[OrderUpdate] = []
        venue.on_update(self.updates.append)

    async def hear(self, *events: MarketEvent) -> None:
        for event in events:
            self.venue.take(event)
        await self.venue.balances()

    def said(self) -> list[str]:
        told, self.updates[:] = said(self.updates), []
        return told

    async def order(self, number: int) -> VenueOrder:
        known = await self.venue.order(f"o-{number}", SYMBOL)
        assert known is not None
        return known


@contextlib.asynccontextmanager
async def desk(
    folder: Path, latency: LatencyModel = NOW, usd: str = "1000", fees: FeeSchedule = NO_FEES, at: float = 0
) -> AsyncIterator[Desk]:
    clock = ManualClock(T0 + round(at * SECOND))
    venue = await PaperVenue.open(
        folder / "paper.sqlite3",
        VENUE,
        listings={SYMBOL: Listing(INSTRUMENT, fees)},
        opening={"USD": Decimal(usd)},
        latency=latency,
        clock=clock,
    )
    running = asyncio.create_task(venue.run())
    try:
        yield Desk(venue, clock)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError, StoreError):
            await running
        await venue.close()


async def test_it_is_a_venue(tmp_path: Path) -> None:
    async with desk(tmp_path, fees=FEES) as one:
        venue: Venue = one.venue
        assert (venue.name, venue.post_only) == (VENUE, True)
        assert await venue.instruments() == {SYMBOL: INSTRUMENT}
        assert await venue.fees(SYMBOL) == FEES
        with pytest.raises(InvalidOrderError, match="not traded"):
            await venue.fees("ETH/USD")
        await one.hear(MARKET)
        await venue.submit(order(1, Side.BUY, "2", "100"), post_only=True)
        await venue.submit(order(2, Side.BUY, "1"))
        await venue.cancel("o-1")
        await venue.balances()
        assert one.said() == ["Accepted o-1", "Accepted o-2", "Filled o-2 1@101 taker", "Canceled o-1"]
        assert (await one.order(2)).state is OrderState.FILLED
        assert await venue.order("o-3", SYMBOL) is None
        assert await venue.order("o-2", "ETH/USD") is None
        assert await venue.open_orders() == ()
        with pytest.raises(InvalidOrderError, match="has to rest"):
            await venue.submit(order(4, Side.BUY, "2"), post_only=True)


async def until(holds: Callable[[], bool]) -> None:
    """The disk has a thread of its own, which the manual clock does not wait for."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110  (nothing tells of it)
            await asyncio.sleep(0.002)


async def test_methods_complete_after_the_latency(tmp_path: Path) -> None:
    async with desk(tmp_path, ConstantLatency(order=SECOND, cancel=SECOND, report=SECOND // 2)) as one:
        one.venue.take(MARKET)
        sent = asyncio.create_task(one.venue.submit(order(1, Side.BUY, "2", "100")))
        await one.clock.advance(0.999)
        assert one.venue.account.free("USD") == 1000
        await one.clock.advance(0.001)
        await until(lambda: one.venue.account.free("USD") == 800)
        await one.clock.advance(0.499)
        assert (sent.done(), one.said()) == (False, [])
        # Whenever the disk was done, half a second later it has been told.
        while not sent.done():
            await one.clock.advance(0.05)
            await asyncio.sleep(0.002)
        await until(lambda: bool(one.updates))
        assert one.said() == ["Accepted o-1"]
        assert T0 + 15 * SECOND // 10 <= one.clock.now_ns() < T0 + 3 * SECOND


async def test_a_restart_changes_nothing_but_the_places_in_the_queues(tmp_path: Path) -> None:
    async with desk(tmp_path, fees=FEES) as one:
        await one.hear(MARKET)
        await one.venue.submit(order(1, Side.BUY, "3"))
        await one.venue.submit(order(2, Side.SELL, "1", "100", TimeInForce.IOC))
        await one.venue.submit(order(3, Side.BUY, "2", "100"))
        await one.venue.submit(order(4, Side.BUY, "1000", "100"))
        await one.venue.submit(order(5, Side.BUY, "1", "99", expires_at=50))
        await one.hear(traded(0, "100", "5.5", "sell"))
        before = [await one.order(number) for number in range(1, 6)]
        balances = await one.venue.balances()
        position = one.venue.account.position(SYMBOL, T0)
        assert balances["BTC"].free == 2 + Decimal("0.5")
    async with desk(tmp_path, fees=FEES, at=10, usd="77") as again:
        after = [await again.order(number) for number in range(1, 6)]
        assert [(a.order, a.state, a.fills) for a in after] == [(b.order, b.state, b.fills) for b in before]
        assert await again.venue.balances() == balances
        assert again.venue.account.position(SYMBOL, T0) == position
        assert [each.order.client_order_id for each in await again.venue.open_orders()] == ["o-3", "o-5"]
        await again.venue.submit(order(1, Side.BUY, "1", "90"))
        await again.venue.balances()
        assert again.said() == ["Rejected o-1 duplicate-id"]
        # Behind all that is there, again.
        await again.hear(snapshot(10, ((10_000, 6_000),), ((10_100, 7_000),)))
        await again.hear(traded(11, "100", "6", "sell"))
        assert again.said() == []
        await again.hear(traded(12, "100", "1", "sell"))
        assert again.said() == ["Filled o-3 1@100 maker"]
        fills = {fill.fill_id for each in [*after, await again.order(3)] for fill in each.fills}
        assert len(fills) == 4
        await again.clock.advance(41)
        await again.venue.balances()
        assert again.said() == ["Expired o-5"]


async def test_fills_are_taken_again_as_they_happened_and_no_number_is_used_twice(tmp_path: Path) -> None:
    async with desk(tmp_path) as one:
        await one.hear(MARKET)
        await one.venue.submit(order(1, Side.BUY, "2"))
        await one.venue.submit(order(2, Side.SELL, "1", "105"))
        await one.hear(delta(1, asks=((10_100, 0), (10_300, 9_000))))
        await one.venue.submit(order(3, Side.BUY, "1"))
        await one.hear(traded(2, "106", "1", "buy"))
        position = one.venue.account.position(SYMBOL, T0)
        # 2 at 101 and 1 at 103, of which 1 went for 105.
        assert position.realised_pnl.amount == 105 - Decimal("101.666666666666666667")
    async with desk(tmp_path) as again:
        assert again.venue.account.position(SYMBOL, T0) == position
        await again.hear(MARKET)
        await again.venue.submit(order(4, Side.BUY, "1"))
        known = [await again.order(number) for number in range(1, 5)]
        numbers = [int(each.venue_order_id) for each in known]
        numbers += [int(fill.fill_id.rpartition("-")[2]) for each in known for fill in each.fills]
        assert sorted(numbers) == list(range(1, 9))


async def test_what_ended_while_nothing_ran_is_ended_at_the_start(tmp_path: Path) -> None:
    async with desk(tmp_path) as one:
        await one.hear(MARKET)
        await one.venue.submit(order(1, Side.BUY, "1", "99", expires_at=5))
    async with desk(tmp_path, at=60) as again:
        assert (await again.order(1)).state is OrderState.EXPIRED
        assert (await again.venue.balances())["USD"].reserved == 0


async def test_an_order_that_dearer_fees_leave_no_funds_for_is_canceled(tmp_path: Path) -> None:
    async with desk(tmp_path, usd="100") as one:
        await one.hear(MARKET)
        await one.venue.submit(order(1, Side.BUY, "1", "100"))
    async with desk(tmp_path, fees=FEES) as again:
        assert (await again.order(1)).state is OrderState.CANCELED


async def test_the_file_of_another_venue_is_refused(tmp_path: Path) -> None:
    store = PaperStore(tmp_path / "paper.sqlite3")
    await store.open_account("binance", {})
    await store.close()
    with pytest.raises(AccountError, match="is an account at binance"):
        async with desk(tmp_path):
            raise AssertionError


async def test_while_it_does_not_run_nothing_is_taken_or_answered(tmp_path: Path) -> None:
    async with desk(tmp_path) as one:
        await one.hear(MARKET)
    with pytest.raises(VenueDownError, match="does not run"):
        await one.venue.submit(order(1, Side.BUY, "1", "100"))
    with pytest.raises(VenueDownError, match="does not run"):
        await one.venue.balances()


async def test_what_was_on_its_way_when_it_ended_is_unknown_and_then_never_was(tmp_path: Path) -> None:
    slow = ConstantLatency(order=SECOND)
    async with desk(tmp_path, slow) as one:
        sent = asyncio.create_task(one.venue.submit(order(1, Side.BUY, "1", "100")))
        await asyncio.sleep(0.05)
    await one.clock.advance(2)
    with pytest.raises(OutcomeUnknownError, match="ask it again"):
        await sent
    async with desk(tmp_path) as again:
        assert await again.venue.order("o-1", SYMBOL) is None


async def test_what_cannot_be_written_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(tmp_path) as one:
        await one.hear(MARKET)

        async def full(_self: PaperStore, _changed: object) -> None:
            raise StoreError("no room")

        monkeypatch.setattr(PaperStore, "write", full)
        with pytest.raises(OutcomeUnknownError):
            await one.venue.submit(order(1, Side.BUY, "1", "101"))
        assert one.said() == []
        with pytest.raises(VenueDownError):
            await one.venue.order("o-1", SYMBOL)
    monkeypatch.undo()
    async with desk(tmp_path) as again:
        assert await again.venue.order("o-1", SYMBOL) is None
        assert (await again.venue.balances())["USD"].free == 1000


async def test_updates_are_on_the_disk_when_they_are_told(tmp_path: Path) -> None:
    """Another reader of the file sees at every update what it tells."""
    async with desk(tmp_path) as one:
        seen: list[tuple[str, str, int]] = []
        reader = sqlite3.connect(tmp_path / "paper.sqlite3", autocommit=True)

        def look(update: OrderUpdate) -> None:
            (state,) = reader.execute(
                "SELECT state FROM orders WHERE client_order_id = ?", (update.client_order_id,)
            ).fetchone()
            (count,) = reader.execute("SELECT count(*) FROM fills").fetchone()
            seen.append((type(update).__name__, state, count))

        one.venue.on_update(look)
        await one.hear(MARKET)
        await one.venue.submit(order(1, Side.BUY, "8", "101"))
        await one.hear(delta(1, asks=((10_100, 8_000),)))
        reader.close()
        assert seen == [("Accepted", "partially-filled", 1), ("Filled", "partially-filled", 1), ("Filled", "filled", 2)]
