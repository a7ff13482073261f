"""A venue that trades our orders against real markets, as its feed tells them. Sans-IO: time and events are handed in.

What the venue knows of a market is what was told of it: a feed that is late makes the venue late.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from noderr.exchanges.account import Account
from noderr.exchanges.errors import InvalidOrderError, OutcomeUnknownError
from noderr.exchanges.latency import LatencyModel
from noderr.exchanges.market_rules import Listing
from noderr.exchanges.schedule import Schedule
from noderr.exchanges.simulated_exchange import RESTING, SimulatedExchange
from noderr.exchanges.updates import OrderUpdate, VenueOrder
from noderr.exchanges.venue import Balance
from noderr.market_data.events import MarketEvent
from noderr.types.trading import Order

FEE_DIGITS = 8


@dataclass(frozen=True, slots=True)
class _Submit:
    order: Order
    post_only: bool


@dataclass(frozen=True, slots=True)
class _Cancel:
    client_order_id: str


class SimulatedVenue:
    """One account. Of what is due at one time expiries come first, then requests in the order they were made.

    Reports keep their order on their way to us. Time never goes back: an earlier `now_ns` counts as the last one.
    """

    def __init__(
        self,
        name: str,
        listings: Mapping[str, Listing],
        account: Account,
        latency: LatencyModel,
        *,
        fee_digits: int = FEE_DIGITS,
    ) -> None:
        """`listings` by symbol; `fee_digits` are those of a fee after the point (`OrderFees`)."""
        self._exchange = SimulatedExchange(name, listings, account, fee_digits)
        self._latency = latency
        self._requests = Schedule[_Submit | _Cancel]()
        self._reports = Schedule[OrderUpdate]()
        self._on_the_way = Counter[str]()
        self._last_report_ns = 0

    @property
    def name(self) -> str:
        return self._exchange.name

    @property
    def listings(self) -> Mapping[str, Listing]:
        """By symbol."""
        return self._exchange.listings

    @property
    def account(self) -> Account:
        return self._exchange.account

    @property
    def next_time_ns(self) -> int | None:
        """When `on_time` has something to do, if no event comes before."""
        times = (self._requests.next_ns(), self._exchange.next_expiry_ns(), self._reports.next_ns())
        return min((at_ns for at_ns in times if at_ns is not None), default=None)

    def submit(self, order: Order, now_ns: int, post_only: bool = False) -> int:
        """Send it; when it reaches the venue. Raises `InvalidOrderError` for what could never trade: it is not sent."""
        if post_only and order.time_in_force not in RESTING:
            raise InvalidOrderError(
                f"{order.client_order_id}: post_only is set and time_in_force is {order.time_in_force.value}: "
                f"what must not take has to rest, GTC or GTD"
            )
        self._advance(now_ns)
        at_ns = self._exchange.now_ns + self._latency.order_ns()
        self._on_the_way[order.client_order_id] += 1
        self._requests.put(at_ns, _Submit(order, post_only))
        return at_ns

    def cancel(self, client_order_id: str, now_ns: int) -> int:
        """Ask for it; when that reaches the venue. One that is faster than its order finds none."""
        self._advance(now_ns)
        at_ns = self._exchange.now_ns + self._latency.cancel_ns()
        self._requests.put(at_ns, _Cancel(client_order_id))
        return at_ns

    def on_market(self, event: MarketEvent, now_ns: int) -> None:
        """What was due comes before it. Events of other venues, and of markets that are not listed, change nothing."""
        self._advance(now_ns)
        self._exchange.on_market(event)
        self._report()

    def on_time(self, now_ns: int) -> list[OrderUpdate]:
        """All reports that have reached us, in order."""
        self._advance(now_ns)
        due = []
        while (report := self._reports.pop(self._exchange.now_ns)) is not None:
            due.append(report[1])
        return due

    def order(self, client_order_id: str) -> VenueOrder | None:
        """The venue's word as of the last time it heard of. None: it never had it.

        Raises `OutcomeUnknownError` while the order is on its way.
        """
        order = self._exchange.orders.get(client_order_id)
        if order is None and client_order_id in self._on_the_way:
            raise OutcomeUnknownError(f"{client_order_id} is on its way to {self.name}: ask when it must be there")
        return None if order is None else order.told(self._exchange.now_ns)

    def open_orders(self) -> tuple[VenueOrder, ...]:
        """In the order in which they came."""
        return tuple(order.told(self._exchange.now_ns) for order in self._exchange.open.values())

    def balances(self) -> Mapping[str, Balance]:
        """By currency."""
        return self.account.balances()

    def drain_changed(self) -> tuple[VenueOrder, ...]:
        """The orders that something happened to since this was asked last; their reports may be on their way yet."""
        return self._exchange.drain_changed()

    def restore(self, told: Sequence[VenueOrder], now_ns: int) -> None:
        """Take over the orders of an earlier run, in the order in which they came; open ones are last in their queues.

        Their fills go to the account. What the account cannot bind funds for any more is canceled.
        """
        self._advance(now_ns)
        self._exchange.restore(told)
        self._report()

    def _advance(self, now_ns: int) -> None:
        """Everything that is due until then happens at its time."""
        exchange = self._exchange
        now_ns = max(now_ns, exchange.now_ns)
        while True:
            expiry_ns, request_ns = exchange.next_expiry_ns(), self._requests.next_ns()
            times = [at_ns for at_ns in (expiry_ns, request_ns) if at_ns is not None and at_ns <= now_ns]
            if not times:
                break
            exchange.now_ns = max(exchange.now_ns, min(times))
            if min(times) == expiry_ns:
                exchange.expire_next()
            elif (due := self._requests.pop(now_ns)) is not None:
                self._on_request(due[1])
            self._report()
        exchange.now_ns = now_ns

    def _on_request(self, request: _Submit | _Cancel) -> None:
        match request:
            case _Submit(order, post_only):
                self._on_the_way -= Counter((order.client_order_id,))  # What is at nothing is left out.
                self._exchange.arrive(order, post_only)
            case _Cancel(client_order_id):
                self._exchange.cancel(client_order_id)

    def _report(self) -> None:
        """Reports that happened leave for us, none before the ones that left earlier."""
        for update in self._exchange.drain_happened():
            self._last_report_ns = max(self._last_report_ns, self._exchange.now_ns + self._latency.report_ns())
            self._reports.put(self._last_report_ns, update)
