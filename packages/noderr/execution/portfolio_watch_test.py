"""The portfolio when it is asked for: its marks survive a restart, and what is not known gives none."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

from noderr.exchanges.account import Account
from noderr.exchanges.errors import VenueDownError
from noderr.exchanges.updates import VenueOrder
from noderr.execution.portfolio_watch import PortfolioWatch
from noderr.execution.proposals.testing import NOW_NS
from noderr.types.trading import Fill, Liquidity, Money, Side
from noderr.types.trading.portfolio import Reference
from noderr.utils import ManualClock

FILL = Fill(
    fill_id="f-1",
    client_order_id="a",
    venue="kraken",
    symbol="XMR/USD",
    side=Side.BUY,
    price=Decimal(350),
    quantity=Decimal(2),
    fee=Money(Decimal(0), "USD"),
    liquidity=Liquidity.TAKER,
    at_ns=NOW_NS,
)


class Kraken:
    def __init__(self) -> None:
        self.account: Account | None = Account({"USD": Decimal(1_000)})
        self.is_down = False
        self.soon: Fill | None = None
        """Filled as soon as anything is awaited after the venue's answer."""

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        if self.is_down:
            raise VenueDownError("down: the test says so")
        if self.soon is not None and self.account is not None:
            asyncio.get_running_loop().call_soon(self.account.apply, self.soon)
        return ()


class Watched:
    def __init__(self, folder: Path) -> None:
        self.venue = Kraken()
        self.clock = ManualClock(NOW_NS)
        self.price: Decimal | None = Decimal(350)
        self.folder = folder
        self.watch = self.restarted()

    def restarted(self) -> PortfolioWatch:
        return PortfolioWatch({"kraken": self.venue}, self.references, "USD", self.folder / "marks", self.clock)

    def references(self) -> dict[str, Reference]:
        if self.price is None:
            return {}
        return {"XMR/USD": Reference(symbol="XMR/USD", price=self.price, as_of_ns=NOW_NS)}


async def test_losses_are_measured_from_the_same_marks_after_a_restart(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    assert watched.venue.account is not None
    watched.venue.account.apply(FILL)
    for price in (350, 400, 300):
        watched.price = Decimal(price)
        before = await watched.watch()
    assert before is not None
    assert (before.equity, before.day_start_equity, before.peak_equity) == (
        Decimal(900),
        Decimal(1_000),
        Decimal(1_100),
    )
    again = await watched.restarted()()
    assert again is not None
    assert (again.day_start_equity, again.peak_equity) == (Decimal(1_000), Decimal(1_100))
    await watched.clock.advance(86_400)
    later = await watched.watch()
    assert later is not None
    assert (later.day_start_equity, later.peak_equity) == (Decimal(900), Decimal(1_100))


async def test_a_fill_while_the_marks_are_written_is_all_in_the_portfolio_or_not_at_all(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.venue.soon = FILL
    watched.price = Decimal(360)
    before = await watched.watch()
    watched.venue.soon = None
    after = await watched.watch()
    assert before is not None
    assert after is not None
    assert (before.positions, before.equity, before.peak_equity) == ((), Decimal(1_000), Decimal(1_000))
    assert [one.quantity for one in after.positions] == [Decimal(2)]
    assert (after.equity, after.peak_equity) == (Decimal(1_020), Decimal(1_020))


async def test_what_is_not_known_gives_none(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    assert watched.venue.account is not None
    watched.venue.account.apply(FILL)
    watched.price = None
    assert await watched.watch() is None
    watched.price = Decimal(350)
    assert await watched.watch() is not None
    watched.venue.is_down = True
    assert await watched.watch() is None
    watched.venue.is_down, watched.venue.account = False, None
    assert await watched.watch() is None
