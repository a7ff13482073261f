"""The service `paper-venues`: a paper account at each venue that the operator names, on the node's own feeds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from noderr.core.parts import NodeContext
from noderr.core.service import run_until
from noderr.exchanges.account import Account
from noderr.exchanges.errors import VenueDownError
from noderr.exchanges.latency import LatencyModel
from noderr.exchanges.market_rules import Listing
from noderr.exchanges.paper_venue import PaperVenue
from noderr.exchanges.updates import OrderUpdate, VenueOrder
from noderr.exchanges.venue import Balance, FeeSchedule
from noderr.market_data.events import MarketEvent
from noderr.types.trading import Instrument, Order


class StandingVenue:
    """A `Venue` that is there before its service has started, and through its restarts; while it is down it says so."""

    post_only = True

    def __init__(self, name: str) -> None:
        self.name = name
        self.open: PaperVenue | None = None
        self._take: Callable[[OrderUpdate], None] = lambda _update: None

    @property
    def account(self) -> Account | None:
        """None while the service is down."""
        return None if self.open is None else self.open.account

    async def instruments(self) -> Mapping[str, Instrument]:
        return await self._now().instruments()

    async def fees(self, symbol: str) -> FeeSchedule:
        return await self._now().fees(symbol)

    async def submit(self, order: Order, *, post_only: bool = False) -> None:
        await self._now().submit(order, post_only=post_only)

    async def cancel(self, client_order_id: str) -> None:
        await self._now().cancel(client_order_id)

    async def order(self, client_order_id: str, symbol: str) -> VenueOrder | None:
        return await self._now().order(client_order_id, symbol)

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        return await self._now().open_orders()

    async def balances(self) -> Mapping[str, Balance]:
        return await self._now().balances()

    def on_update(self, take: Callable[[OrderUpdate], None]) -> None:
        self._take = take

    def tell(self, update: OrderUpdate) -> None:
        """To whoever takes updates now."""
        self._take(update)

    def _now(self) -> PaperVenue:
        if self.open is None:
            raise VenueDownError(f"the paper account at {self.name} is not open: its service has not started")
        return self.open


class PaperVenues:
    """`venues` by name. Feed it the node's market events with `on_market`."""

    name = "paper-venues"
    critical = False
    requires: tuple[str, ...] = ("market-data",)

    def __init__(
        self,
        node: NodeContext,
        listings: Mapping[str, Mapping[str, Listing]],
        opening: Mapping[str, Decimal],
        latency: LatencyModel,
    ) -> None:
        """`listings` by venue and symbol; each account that is new opens with `opening`, by currency."""
        self._node = node
        self._listings = listings
        self._opening = opening
        self._latency = latency
        self._stopping = asyncio.Event()
        self._running = False
        self.venues = {name: StandingVenue(name) for name in sorted(listings)}

    def on_market(self, event: MarketEvent) -> None:
        """What the node's feeds tell, as it comes."""
        standing = self.venues.get(event.venue)
        if standing is not None and standing.open is not None:
            standing.open.take(event)

    async def start(self) -> None:
        """Open the accounts. Raises `AccountError` and `StoreError`."""
        self._stopping.clear()
        folder = self._node.data_dir / "paper"
        folder.mkdir(mode=0o700, exist_ok=True)
        for name, standing in self.venues.items():
            venue = await PaperVenue.open(
                folder / f"{name}.sqlite",
                name,
                listings=self._listings[name],
                opening=self._opening,
                latency=self._latency,
                clock=self._node.clock,
            )
            venue.on_update(standing.tell)
            standing.open = venue

    async def run(self) -> None:
        self._running = True
        try:
            await run_until(self._stopping, *(one.open.run() for one in self.venues.values() if one.open is not None))
        finally:
            self._running = False
            await self._let_go()

    async def stop(self) -> None:
        self._stopping.set()
        if not self._running:
            await self._let_go()

    def missing(self) -> Sequence[str]:
        return ()

    async def _let_go(self) -> None:
        for standing in self.venues.values():
            venue, standing.open = standing.open, None
            if venue is not None:
                await venue.close()
