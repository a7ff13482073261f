"""What every venue can be asked, simulated or real. One object stands for one account at one venue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from noderr.exchanges.updates import OrderUpdate, VenueOrder
from noderr.types.trading import Instrument, Order
from noderr.types.trading.checks import check_currency, check_number
from noderr.types.trading.decimals import add


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeSchedule:
    """Fractions of the notional, such as 0.0026; a negative maker fee is a rebate. Fees are in the quote currency."""

    maker: Decimal
    taker: Decimal

    def __post_init__(self) -> None:
        check_number(self, "maker", self.maker)
        check_number(self, "taker", self.taker)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """`reserved` is bound by open orders, `free` is not."""

    currency: str
    free: Decimal
    reserved: Decimal

    def __post_init__(self) -> None:
        check_currency(self, "currency", self.currency)
        check_number(self, "free", self.free)
        check_number(self, "reserved", self.reserved, least=0)

    @property
    def total(self) -> Decimal:
        """Raises `InexactError`."""
        return add(self.free, self.reserved)


class Venue(Protocol):
    """An account at a venue. Every method may raise a `VenueError`; only `OutcomeUnknownError` leaves things open."""

    @property
    def name(self) -> str:
        """As in fills and feeds, such as "kraken"."""

    @property
    def post_only(self) -> bool:
        """Whether `submit` can be told that an order must not take."""

    async def instruments(self) -> Mapping[str, Instrument]:
        """By symbol."""

    async def fees(self, symbol: str) -> FeeSchedule:
        """What this account pays."""

    async def submit(self, order: Order, *, post_only: bool = False) -> None:
        """Send it once; what becomes of it comes as updates. The order's id makes a second send harmless or refused.

        Raises `InvalidOrderError` for what was not sent, and `OutcomeUnknownError` where nobody knows.
        """

    async def cancel(self, client_order_id: str) -> None:
        """Ask for it; the answer comes as an update."""

    async def order(self, client_order_id: str, symbol: str) -> VenueOrder | None:
        """The venue's word. None: it surely does not have it and never had."""

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        """All of this account."""

    async def balances(self) -> Mapping[str, Balance]:
        """By currency."""

    def on_update(self, take: Callable[[OrderUpdate], None]) -> None:
        """Who gets this account's updates from now on; there is one."""
