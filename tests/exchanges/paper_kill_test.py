"""The paper venue killed before each statement of its database: what it had told is there, and nothing twice."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from noderr.exchanges.latency import ConstantLatency
from noderr.exchanges.market_rules import Listing
from noderr.exchanges.paper_venue import PaperVenue
from noderr.exchanges.testing import FEES, INSTRUMENT, order, traded
from noderr.exchanges.updates import Filled, OrderUpdate
from noderr.guardian_consensus.store_testing import killed_before_each_statement
from noderr.market_data.testing import SYMBOL, T0, VENUE, delta, snapshot
from noderr.types.trading import Side
from noderr.utils import ManualClock

OPENING = Decimal(1000)
ORDERS = range(1, 6)


@contextlib.asynccontextmanager
async def paper(folder: Path, take: Callable[[OrderUpdate], None]) -> AsyncIterator[PaperVenue]:
    venue = await PaperVenue.open(
        folder / "paper.sqlite3",
        VENUE,
        listings={SYMBOL: Listing(INSTRUMENT, FEES)},
        opening={"USD": OPENING},
        latency=ConstantLatency(),
        clock=ManualClock(T0),
    )
    venue.on_update(take)
    running = asyncio.create_task(venue.run())
    try:
        yield venue
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await venue.close()


async def trade_all(folder: Path, tell: Callable[[str], object]) -> None:
    """What the killed processes do: takers, makers, a cancel; every update and every answer is told."""

    def take(update: OrderUpdate) -> None:
        detail = f" {update.fill.fill_id} {update.fill.quantity}" if isinstance(update, Filled) else ""
        tell(f"{type(update).__name__} {update.client_order_id}{detail}")

    async with paper(folder, take) as venue:
        venue.take(snapshot(0, ((10_000, 5_000), (9_980, 1_000)), ((10_100, 1_000), (10_200, 7_000))))
        await venue.submit(order(1, Side.BUY, "2"))
        await venue.submit(order(2, Side.BUY, "1", "100"))
        await venue.submit(order(3, Side.BUY, "1", "99.99"))
        await venue.submit(order(4, Side.BUY, "900", "100"))
        venue.take(delta(0, bids=((10_000, 200),)))
        venue.take(traded(2, "99.99", "1.5", "sell"))
        known = await venue.order("o-2", SYMBOL)
        tell(f"answer o-2 {known.state.value if known else None}")
        await venue.cancel("o-3")
        await venue.submit(order(5, Side.SELL, "1.5"))
        tell(f"balance {(await venue.balances())['USD'].total}")


def told_fills(told: tuple[str, ...]) -> dict[str, Decimal]:
    return {words[2]: Decimal(words[3]) for words in map(str.split, told) if words[0] == "Filled"}


async def test_a_kill_before_any_statement_loses_and_doubles_nothing(tmp_path: Path) -> None:
    runs = killed_before_each_statement(tmp_path, __name__, "trade_all")
    whole = runs[-1].told
    assert len(runs) > 40
    assert [line.split()[0] for line in whole].count("Filled") == 6
    assert {run.told for run in runs} >= {(), whole}
    for run in runs:
        assert run.told == whole[: len(run.told)]
        again: list[OrderUpdate] = []
        async with paper(run.folder, again.append) as venue:
            found = [known for number in ORDERS if (known := await venue.order(f"o-{number}", SYMBOL)) is not None]
            fills = [fill for known in found for fill in known.fills]
            by_id = {fill.fill_id: fill.quantity for fill in fills}
            assert len(by_id) == len(fills)
            # What was told is there, word for word.
            assert told_fills(run.told).items() <= by_id.items()
            states = {known.order.client_order_id: known.state.value for known in found}
            for kind, name, *rest in (line.split() for line in run.told):
                match kind:
                    case "Accepted" | "Filled":
                        assert name in states
                    case "Rejected" | "Canceled":
                        assert states[name] == kind.lower()
                    case "answer":
                        assert rest == ["filled"] == [states[name]]
            # And the money is that of these fills.
            usd = Fraction(OPENING)
            for fill in fills:
                usd -= fill.side.sign * Fraction(fill.notional.amount) + Fraction(fill.fee.amount)
            balances = await venue.balances()
            assert Fraction(balances["USD"].total) == usd
            bought = sum((fill.quantity * fill.side.sign for fill in fills), Decimal(0))
            assert (balances["BTC"].total if "BTC" in balances else Decimal(0)) == bought
            reserved = {known.order.client_order_id for known in await venue.open_orders()}
            assert (balances["USD"].reserved > 0) == bool(reserved)
            assert again == []
