"""The far end of a simulated venue: what happens to an order once it is there, against real markets and our account.

Nothing that others do changes because of us; of what is there we take no more than there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from noderr.exchanges.account import Account
from noderr.exchanges.errors import AccountError
from noderr.exchanges.market_rules import Listing, broken_rule
from noderr.exchanges.order_fees import OrderFees
from noderr.exchanges.schedule import Schedule
from noderr.exchanges.simulated_market import Part, SimulatedMarket, total
from noderr.exchanges.simulated_order import SimulatedOrder, limit_of
from noderr.exchanges.updates import (
    Accepted,
    Canceled,
    CancelRejected,
    Expired,
    Filled,
    OrderUpdate,
    Rejected,
    RejectReason,
    VenueOrder,
)
from noderr.market_data.events import MarketEvent
from noderr.types.trading import FieldError, Fill, InexactError, Liquidity, Money, Order, OrderState, Side, TimeInForce
from noderr.types.trading.decimals import add, multiply

_ZERO = Decimal(0)
RESTING = (TimeInForce.GTC, TimeInForce.GTD)


type _Refusal = tuple[RejectReason, str]


class SimulatedExchange:
    """Sans-IO; `now_ns` never goes back. Whoever would trade with themselves has the newer order canceled."""

    def __init__(self, name: str, listings: Mapping[str, Listing], account: Account, fee_digits: int) -> None:
        self.name = name
        self.listings = dict(listings)
        self.account = account
        self.now_ns = 0
        self.orders: dict[str, SimulatedOrder] = {}
        self.open: dict[str, SimulatedOrder] = {}
        self._fee_digits = fee_digits
        self._markets = {symbol: SimulatedMarket() for symbol in listings}
        self._expiries = Schedule[str]()
        self._happened: list[OrderUpdate] = []
        self._changed: dict[str, None] = {}
        self._numbers = 0

    def drain_happened(self) -> list[OrderUpdate]:
        """What is to be reported since this was asked last."""
        happened, self._happened = self._happened, []
        return happened

    def drain_changed(self) -> tuple[VenueOrder, ...]:
        """The orders that something happened to since this was asked last."""
        changed = tuple(self.orders[each].told(self.now_ns) for each in self._changed)
        self._changed.clear()
        return changed

    def on_market(self, event: MarketEvent) -> None:
        """Events of other venues, and of markets that are not listed, change nothing here."""
        market = self._markets.get(event.symbol)
        if market is not None and event.venue == self.name:
            for order, quantity in market.on_event(event, self.now_ns):
                self._fill(order, Part(limit_of(order), quantity), Liquidity.MAKER)

    def arrive(self, order: Order, post_only: bool) -> None:
        """An order is here: it is refused, or traded and what is left of it rests or is gone."""
        if order.client_order_id in self.orders:
            # The order that has this id keeps it and is not touched.
            self._reject(order.client_order_id, (RejectReason.DUPLICATE_ID, "an order has this id"))
            return
        new = self._record(order, str(self._next_number()), OrderFees(self._fee_digits))
        self._changed[new.id] = None
        if (listing := self.listings.get(order.symbol)) is None:
            refusal: _Refusal | None = (RejectReason.UNKNOWN_SYMBOL, f"{order.symbol} is not traded at {self.name}")
        else:
            refusal = self._refusal(new, listing, post_only) or self._bind(new, listing)
        if refusal is not None:
            new.state = OrderState.REJECTED
            self._reject(new.id, refusal)
            return
        self.open[new.id] = new
        self._happened.append(Accepted(client_order_id=new.id, venue_order_id=new.venue_order_id, at_ns=self.now_ns))
        market = self._markets[order.symbol]
        parts = market.takes(new)
        market.take(order.side, parts)
        for part in parts:
            self._fill(new, part, Liquidity.TAKER)
        if not new.left:
            return
        own = market.own_best(order.side.opposite)
        if order.time_in_force in RESTING and not (own is not None and new.meets(own)):
            self._rest(new)
        else:
            self._end(new, OrderState.CANCELED)

    def cancel(self, client_order_id: str) -> None:
        """A cancel is here."""
        if (order := self.open.get(client_order_id)) is not None:
            self._end(order, OrderState.CANCELED)
            return
        known = client_order_id in self.orders
        self._happened.append(
            CancelRejected(
                client_order_id=client_order_id,
                reason=RejectReason.TOO_LATE if known else RejectReason.UNKNOWN_ORDER,
                detail="the order is over" if known else "no order has this id",
                at_ns=self.now_ns,
            )
        )

    def next_expiry_ns(self) -> int | None:
        """When the next order may be over."""
        return self._expiries.next_ns()

    def expire_next(self) -> None:
        """The time of that order is over, if it is still open."""
        due = self._expiries.pop(self.now_ns)
        if due is not None and (order := self.open.get(due[1])) is not None:
            self._end(order, OrderState.EXPIRED)

    def restore(self, told: Sequence[VenueOrder]) -> None:
        """See `SimulatedVenue.restore`."""
        fills = [fill for each in told for fill in each.fills]
        for fill in sorted(fills, key=_number):  # As they happened: what is sold was bought before.
            self.account.apply(fill)
        self._numbers = max([self._numbers, *map(_number, fills), *(int(each.venue_order_id) for each in told)])
        for each in told:
            charged = _ZERO
            for fill in each.fills:
                charged = add(charged, fill.fee.amount)
            order = self._record(each.order, each.venue_order_id, OrderFees(self._fee_digits, charged))
            order.state, order.filled, order.fills = each.state, each.filled, list(each.fills)
            if each.state.is_open:
                self.open[order.id] = order
                listing = self.listings.get(order.order.symbol)
                if listing is None or self._bind(order, listing) is not None:
                    self._end(order, OrderState.CANCELED)
                else:
                    self._rest(order)

    def _refusal(self, new: SimulatedOrder, listing: Listing, post_only: bool) -> _Refusal | None:
        order, market = new.order, self._markets[new.order.symbol]
        if market.book is None:
            return RejectReason.NO_MARKET, f"the book of {order.symbol} is not known at this moment"
        parts, own = market.takes(new), market.own_best(order.side.opposite)
        reckoned = order.limit_price or (parts[0].price if parts else None)
        if (broken := broken_rule(order, listing.instrument, reckoned)) is not None:
            return broken
        if order.expires_at_ns is not None and order.expires_at_ns <= self.now_ns:
            return RejectReason.TOO_LATE, "its time was over when it came"
        if post_only and (parts or (own is not None and new.meets(own))):
            return RejectReason.WOULD_TAKE, "it would have taken, and must not"
        if order.time_in_force is TimeInForce.FOK and total(parts) < order.quantity:
            return RejectReason.CANNOT_FILL, f"{total(parts)} of {order.quantity} could be filled"
        return None

    def _bind(self, order: SimulatedOrder, listing: Listing) -> _Refusal | None:
        """Bind what the order may still cost at the worst."""
        try:
            self.account.reserve(order.id, self._worst(order, listing))
        except (AccountError, FieldError, InexactError) as error:  # What no number can hold nobody has either.
            return RejectReason.INSUFFICIENT_FUNDS, str(error)
        return None

    def _worst(self, order: SimulatedOrder, listing: Listing) -> Money:
        instrument, left, limit = listing.instrument, order.left, order.order.limit_price
        if order.order.side is Side.SELL:
            return Money(left, instrument.base)
        # A market order takes at once what it takes now.
        parts = [Part(limit, left)] if limit is not None else self._markets[instrument.symbol].takes(order)
        cost = _ZERO
        for part in parts:
            cost = add(cost, multiply(part.price, part.quantity))
        dearer = max(listing.fees.maker, listing.fees.taker)
        return Money(add(cost, order.fees.at_most(cost, dearer)), instrument.quote)

    def _fill(self, order: SimulatedOrder, part: Part, liquidity: Liquidity) -> None:
        listing = self.listings[order.order.symbol]
        rate = listing.fees.maker if liquidity is Liquidity.MAKER else listing.fees.taker
        fee = order.fees.charge(multiply(part.price, part.quantity), rate)
        fill = Fill(
            fill_id=f"{self.name}-{self._next_number()}",
            client_order_id=order.id,
            venue=self.name,
            symbol=order.order.symbol,
            side=order.order.side,
            price=part.price,
            quantity=part.quantity,
            fee=Money(fee, listing.instrument.quote),
            liquidity=liquidity,
            at_ns=self.now_ns,
        )
        self.account.apply(fill)
        order.add(fill)
        self._changed[order.id] = None
        self._happened.append(Filled(fill=fill))
        if order.left and order.order.limit_price is not None:
            self._bind(order, listing)  # Less than it had bound before: what was cheaper is free.
        elif not order.left:
            self._leave(order)

    def _rest(self, order: SimulatedOrder) -> None:
        self._markets[order.order.symbol].rest(order, self.now_ns)
        if order.order.expires_at_ns is not None:
            self._expiries.put(order.order.expires_at_ns, order.id)

    def _end(self, order: SimulatedOrder, state: OrderState) -> None:
        order.state = state
        self._changed[order.id] = None
        self._leave(order)
        ended = Expired if state is OrderState.EXPIRED else Canceled
        self._happened.append(ended(client_order_id=order.id, at_ns=self.now_ns))

    def _leave(self, order: SimulatedOrder) -> None:
        self.open.pop(order.id)
        self.account.release(order.id)
        if (market := self._markets.get(order.order.symbol)) is not None:
            market.remove(order)

    def _reject(self, client_order_id: str, refusal: _Refusal) -> None:
        reason, detail = refusal
        self._happened.append(
            Rejected(client_order_id=client_order_id, reason=reason, detail=detail, at_ns=self.now_ns)
        )

    def _record(self, order: Order, venue_order_id: str, fees: OrderFees) -> SimulatedOrder:
        record = SimulatedOrder(order, venue_order_id, len(self.orders), self.now_ns, fees)
        self.orders[record.id] = record
        return record

    def _next_number(self) -> int:
        self._numbers += 1
        return self._numbers


def _number(fill: Fill) -> int:
    """Fills are numbered as they happen."""
    return int(fill.fill_id.rpartition("-")[2])
