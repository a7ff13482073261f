"""For tests of whoever trades: a venue whose words come late, twice or never. What it does with orders is right."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

from noderr.exchanges.errors import OutcomeUnknownError
from noderr.exchanges.updates import OrderUpdate, VenueOrder
from noderr.exchanges.venue import Balance, FeeSchedule, Venue
from noderr.types.trading import FieldError, Instrument, Order
from noderr.utils import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishaps:
    """How often, as fractions from 0 to 1 of all updates and of all calls."""

    update_lost: float = 0.0
    update_twice: float = 0.0
    update_late: float = 0.0
    """Told up to `late_s` seconds later, whatever is told meanwhile."""
    late_s: float = 5.0
    request_lost: float = 0.0
    """It does not reach the venue, and the caller does not know."""
    answer_lost: float = 0.0
    """The venue has it, and the caller does not know."""

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if not 0 <= value <= (3600 if each.name == "late_s" else 1):
                raise FieldError("Mishaps", each.name, value, "from 0 to 1, and late_s to 3600")


class UnreliableReports:
    """A `Venue` in front of another. One seed of `generator` replays all that goes wrong."""

    def __init__(self, venue: Venue, mishaps: Mishaps, generator: random.Random, clock: Clock) -> None:
        self._venue = venue
        self._mishaps = mishaps
        self._generator = generator
        self._clock = clock
        self._late: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        return self._venue.name

    @property
    def post_only(self) -> bool:
        return self._venue.post_only

    async def instruments(self) -> Mapping[str, Instrument]:
        return await self._venue.instruments()

    async def fees(self, symbol: str) -> FeeSchedule:
        return await self._venue.fees(symbol)

    async def submit(self, order: Order, *, post_only: bool = False) -> None:
        self._may_lose("submit", self._mishaps.request_lost)
        await self._venue.submit(order, post_only=post_only)
        self._may_lose("submit", self._mishaps.answer_lost)

    async def cancel(self, client_order_id: str) -> None:
        self._may_lose("cancel", self._mishaps.request_lost)
        await self._venue.cancel(client_order_id)
        self._may_lose("cancel", self._mishaps.answer_lost)

    async def order(self, client_order_id: str, symbol: str) -> VenueOrder | None:
        known = await self._venue.order(client_order_id, symbol)
        self._may_lose("order", self._mishaps.answer_lost)
        return known

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        known = await self._venue.open_orders()
        self._may_lose("open_orders", self._mishaps.answer_lost)
        return known

    async def balances(self) -> Mapping[str, Balance]:
        known = await self._venue.balances()
        self._may_lose("balances", self._mishaps.answer_lost)
        return known

    def on_update(self, take: Callable[[OrderUpdate], None]) -> None:
        self._venue.on_update(lambda update: self._tell(update, take))

    async def close(self) -> None:
        """What is late is never told."""
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)

    def _tell(self, update: OrderUpdate, take: Callable[[OrderUpdate], None]) -> None:
        if self._happens(self._mishaps.update_lost):
            return
        for _ in range(1 + self._happens(self._mishaps.update_twice)):
            if self._happens(self._mishaps.update_late):
                task = asyncio.create_task(self._tell_late(update, take, self._generator.random()))
                self._late.add(task)
                task.add_done_callback(self._late.discard)
            else:
                take(update)

    async def _tell_late(self, update: OrderUpdate, take: Callable[[OrderUpdate], None], part: float) -> None:
        await self._clock.sleep(self._mishaps.late_s * part)
        take(update)

    def _may_lose(self, call: str, often: float) -> None:
        if self._happens(often):
            raise OutcomeUnknownError(f"{call} at {self.name}: no answer came")

    def _happens(self, often: float) -> bool:
        return self._generator.random() < often
