"""A market by itself: individual orders in whole units, the best price first, and of one price who came first.

Sans-IO and deterministic: the same calls give the same trades. It knows neither money nor fees.
"""

from __future__ import annotations

import heapq

import msgspec

from noderr.exchanges.errors import InvalidOrderError
from noderr.exchanges.order_queue import OrderSide, Resting
from noderr.exchanges.updates import RejectReason
from noderr.types.trading import FieldError, Instrument, Order, Side, TimeInForce


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """`size` is in lots, `price` in ticks, None for a market order. `MatchingEngine.new_order` makes one of `Order`."""

    order_id: str
    owner: str
    side: Side
    size: int
    price: int | None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at_ns: int | None = None
    post_only: bool = False


class Match(msgspec.Struct, frozen=True):
    """A trade at the maker's price, in ticks and lots. `number` counts from 1."""

    number: int
    price: int
    size: int
    maker_id: str
    taker_id: str
    taker_side: Side


class Outcome(msgspec.Struct, frozen=True):
    """What became of a new order at once: `resting` lots are in the book, `canceled` are gone.

    `refused` says why the whole order was not taken: then nothing was traded.
    """

    matches: tuple[Match, ...]
    resting: int
    canceled: int
    refused: RejectReason | None = None


class MatchingEngine:
    """The book of one instrument.

    Nobody trades with themselves: where a new order meets one of its own owner, what is left of the new one is canceled
    ("cancel newest").
    """

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.bids = OrderSide(1)
        self.asks = OrderSide(-1)
        self._orders: dict[str, Resting] = {}
        self._expiries: list[tuple[int, int, Resting]] = []
        self._arrivals = 0
        self._matches = 0

    def new_order(self, order: Order, owner: str, *, post_only: bool = False) -> NewOrder:
        """`order` in whole units. Raises `InvalidOrderError` for what this instrument does not take."""
        instrument = self.instrument
        if order.symbol != instrument.symbol:
            raise InvalidOrderError(
                f"{order.client_order_id} is for {order.symbol}: this market is {instrument.symbol}"
            )
        try:
            if order.limit_price is not None:
                instrument.check_price(order.limit_price)
            instrument.check_quantity(order.quantity, order.limit_price)
        except FieldError as error:
            raise InvalidOrderError(f"{order.client_order_id}: {error}") from error
        return NewOrder(
            order_id=order.client_order_id,
            owner=owner,
            side=order.side,
            size=int(order.quantity / instrument.lot_size),
            price=None if order.limit_price is None else int(order.limit_price / instrument.tick_size),
            time_in_force=order.time_in_force,
            expires_at_ns=order.expires_at_ns,
            post_only=post_only,
        )

    def submit(self, new: NewOrder, now_ns: int) -> Outcome:
        """Match it, and keep what may rest. The id of an order in the book is refused, one that is over may return."""
        own, opposite = (self.bids, self.asks) if new.side is Side.BUY else (self.asks, self.bids)
        if refused := self._refusal(new, opposite, now_ns):
            return Outcome((), 0, 0, refused)
        matches: list[Match] = []
        left, met_own = self._match(new, opposite, matches)
        if not left:
            return Outcome(tuple(matches), 0, 0)
        if met_own or new.price is None or new.time_in_force is TimeInForce.IOC:
            return Outcome(tuple(matches), 0, left)
        resting = Resting(new.order_id, new.owner, new.side, new.price, left)
        own.add(resting)
        self._orders[new.order_id] = resting
        if new.expires_at_ns is not None:
            self._arrivals += 1
            heapq.heappush(self._expiries, (new.expires_at_ns, self._arrivals, resting))
        return Outcome(tuple(matches), left, 0)

    def cancel(self, order_id: str) -> int:
        """Take an order out of the book; how many lots were left, 0 when it is not there."""
        order = self._orders.get(order_id)
        return 0 if order is None else self.reduce(order_id, order.size)

    def reduce(self, order_id: str, size: int) -> int:
        """Make an order smaller by `size` lots, which keeps its place; by how many it was, 0 when it is not there."""
        if size <= 0:
            raise InvalidOrderError(f"{order_id} is to be reduced by {size} lots: it must be above 0")
        order = self._orders.get(order_id)
        if order is None:
            return 0
        taken = min(size, order.size)
        self._take(self.bids if order.side is Side.BUY else self.asks, order, taken)
        return taken

    def expire(self, now_ns: int) -> list[str]:
        """Take out whose time is over, at `now_ns` or before; their ids in the order of their times."""
        gone = []
        while self._expiries and self._expiries[0][0] <= now_ns:
            order = heapq.heappop(self._expiries)[2]
            if order.size:  # Neither traded nor canceled before.
                self.cancel(order.order_id)
                gone.append(order.order_id)
        return gone

    def left(self, order_id: str) -> int:
        """The lots of an order that are in the book."""
        order = self._orders.get(order_id)
        return 0 if order is None else order.size

    def _refusal(self, new: NewOrder, opposite: OrderSide, now_ns: int) -> RejectReason | None:
        if new.size <= 0 or (new.price is not None and new.price <= 0):
            raise InvalidOrderError(f"{new.order_id}: {new.size} lots at {new.price} ticks: both must be above 0")
        if new.order_id in self._orders:
            return RejectReason.DUPLICATE_ID
        if new.expires_at_ns is not None and new.expires_at_ns <= now_ns:
            return RejectReason.TOO_LATE
        best = opposite.best()
        if new.post_only and best is not None and _meets(new, best):
            return RejectReason.WOULD_TAKE
        if new.time_in_force is TimeInForce.FOK and self._available(new, opposite) < new.size:
            return RejectReason.CANNOT_FILL
        return None

    def _available(self, new: NewOrder, opposite: OrderSide) -> int:
        """What it could trade before it met an order of its own owner, counted no further than its size."""
        found = 0
        for price in opposite.prices():
            if not _meets(new, price):
                break
            for order in opposite.queue(price).orders.values():
                if order.owner == new.owner or found >= new.size:
                    return found
                found += order.size
        return found

    def _match(self, new: NewOrder, opposite: OrderSide, matches: list[Match]) -> tuple[int, bool]:
        """What is left of it, and whether that is because it met one of its own owner."""
        left = new.size
        while left:
            price = opposite.best()
            if price is None or not _meets(new, price):
                break
            maker = next(iter(opposite.queue(price).orders.values()))
            if maker.owner == new.owner:
                return left, True
            size = min(left, maker.size)
            left -= size
            self._matches += 1
            matches.append(Match(self._matches, price, size, maker.order_id, new.order_id, new.side))
            self._take(opposite, maker, size)
        return left, False

    def _take(self, side: OrderSide, order: Resting, size: int) -> None:
        side.take(order, size)
        if not order.size:
            del self._orders[order.order_id]


def _meets(new: NewOrder, price: int) -> bool:
    """Whether it takes that price of the other side."""
    if new.price is None:
        return True
    return price <= new.price if new.side is Side.BUY else price >= new.price
