"""Trading on paper: a `Venue` that trades against the node's own feeds, and whose account survives a restart.

Whatever it tells, in updates and in answers, is on the disk before. A kill loses the requests that were on their way to
the venue, and nothing else: who asks is told that it never had them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from noderr.exchanges.account import Account
from noderr.exchanges.errors import InvalidOrderError, OutcomeUnknownError, VenueDownError
from noderr.exchanges.latency import LatencyModel
from noderr.exchanges.market_rules import Listing
from noderr.exchanges.paper_store import PaperStore
from noderr.exchanges.simulated_venue import SimulatedVenue
from noderr.exchanges.updates import OrderUpdate, VenueOrder
from noderr.exchanges.venue import Balance, FeeSchedule
from noderr.market_data.events import MarketEvent
from noderr.types.trading import Instrument, Order
from noderr.utils import Clock, event_or_time

_SECOND_NS = 1_000_000_000


class PaperVenue:
    """Made with `open`; `run` is what moves it, and nothing is answered while it does not run."""

    post_only = True

    def __init__(self, venue: SimulatedVenue, store: PaperStore, latency: LatencyModel, clock: Clock) -> None:
        """`venue` is as `store` has it."""
        self._venue = venue
        self._store = store
        self._latency = latency
        self._clock = clock
        self._events: list[tuple[MarketEvent, int]] = []
        self._questions: list[tuple[Callable[[int], Any], asyncio.Future[Any]]] = []
        self._wake = asyncio.Event()
        self._ended = False
        self._take: Callable[[OrderUpdate], None] = lambda _update: None

    @classmethod
    async def open(
        cls,
        path: Path,
        name: str,
        *,
        listings: Mapping[str, Listing],
        opening: Mapping[str, Decimal],
        latency: LatencyModel,
        clock: Clock,
    ) -> PaperVenue:
        """The account in the file `path`; a new one has `opening`, a known one what it has.

        Orders that rested do so again, last in their queues. Raises `AccountError` and `StoreError`.
        """
        store = PaperStore(path)
        try:
            account = Account(await store.open_account(name, opening))
            venue = SimulatedVenue(name, listings, account, latency)
            venue.restore(await store.orders(), clock.now_ns())
        except BaseException:
            await store.close()
            raise
        return cls(venue, store, latency, clock)

    @property
    def name(self) -> str:
        return self._venue.name

    @property
    def account(self) -> Account:
        """May be ahead of what is on the disk: for those who watch."""
        return self._venue.account

    def take(self, event: MarketEvent) -> None:
        """What the node's feeds tell, as it comes."""
        self._events.append((event, self._clock.now_ns()))
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled. Raises `StoreError` when the account cannot be written: then nothing more is traded."""
        try:
            while True:
                self._wake.clear()
                await self._settle()
                next_ns = self._venue.next_time_ns
                wait_s = None if next_ns is None else (next_ns - self._clock.now_ns()) / _SECOND_NS
                await event_or_time(self._wake, wait_s, self._clock)
        finally:
            self._ended = True
            for _, future in self._questions:
                if not future.done():
                    future.set_exception(self._down())

    async def close(self) -> None:
        """Close the file, after `run` has ended."""
        await self._store.close()

    async def instruments(self) -> Mapping[str, Instrument]:
        return {symbol: listing.instrument for symbol, listing in self._venue.listings.items()}

    async def fees(self, symbol: str) -> FeeSchedule:
        """Raises `InvalidOrderError` for a symbol that is not traded here."""
        listing = self._venue.listings.get(symbol)
        if listing is None:
            raise InvalidOrderError(f"{symbol} is not traded at {self.name}: it has {', '.join(self._venue.listings)}")
        return listing.fees

    async def submit(self, order: Order, *, post_only: bool = False) -> None:
        """Returns when the venue has said that it has it or not; the update may come before or after."""
        await self._request(lambda now_ns: self._venue.submit(order, now_ns, post_only))

    async def cancel(self, client_order_id: str) -> None:
        await self._request(lambda now_ns: self._venue.cancel(client_order_id, now_ns))

    async def order(self, client_order_id: str, symbol: str) -> VenueOrder | None:
        """Raises `OutcomeUnknownError` while it is on its way."""

        def question(_now_ns: int) -> VenueOrder | None:
            known = self._venue.order(client_order_id)
            return known if known is not None and known.order.symbol == symbol else None

        return await self._query(question)

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        return await self._query(lambda _now_ns: self._venue.open_orders())

    async def balances(self) -> Mapping[str, Balance]:
        return await self._query(lambda _now_ns: self._venue.balances())

    def on_update(self, take: Callable[[OrderUpdate], None]) -> None:
        self._take = take

    async def _settle(self) -> None:
        """All that has happened until now goes to the disk, and is told then."""
        events, self._events = self._events, []
        for event, heard_ns in events:
            self._venue.on_market(event, heard_ns)
        now_ns = self._clock.now_ns()
        updates = self._venue.on_time(now_ns)
        if changed := self._venue.drain_changed():
            await self._store.write(changed)
        for update in updates:
            self._take(update)
        # No `await` from here on: an answer must not know more than the disk. `now_ns` is that of what was written.
        questions, self._questions = self._questions, []
        for question, future in questions:
            if not future.done():  # Whoever asked may have gone.
                try:
                    future.set_result(question(now_ns))
                except Exception as error:  # Whatever it is, it belongs to who asked.
                    future.set_exception(error)

    async def _ask[T](self, question: Callable[[int], T]) -> T:
        """What `question` returns between two steps. Raises `VenueDownError`."""
        if self._ended:
            raise self._down()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._questions.append((question, future))
        self._wake.set()
        return await future

    async def _query[T](self, question: Callable[[int], T]) -> T:
        await self._clock.sleep(self._latency.order_ns() / _SECOND_NS)
        answer = await self._ask(question)
        await self._clock.sleep(self._latency.report_ns() / _SECOND_NS)
        return answer

    async def _request(self, send: Callable[[int], int]) -> None:
        arrives_ns = await self._ask(send)
        try:
            while (wait_ns := arrives_ns - self._clock.now_ns()) > 0:
                await self._clock.sleep(wait_ns / _SECOND_NS)
            await self._ask(lambda _now_ns: None)
        except VenueDownError as error:
            raise OutcomeUnknownError(f"{self.name} ended while a request was on its way: ask it again") from error
        await self._clock.sleep(self._latency.report_ns() / _SECOND_NS)

    def _down(self) -> VenueDownError:
        return VenueDownError(f"the paper venue {self.name} does not run: see why it ended, and start it again")
