"""One real market as its events tell it, and our simulated orders in it, which nobody else sees.

What we take is gone: of a level we took from, as much stays taken as the venue still shows there. What rests is filled
by trades that reach it, and by what the venue shows at our limit or better.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

from noderr.exchanges.simulated_order import SimulatedOrder, limit_of
from noderr.market_data.events import BookDelta, BookSnapshot, Gap, MarketEvent, Trade
from noderr.market_data.order_book import BookSide, Level, OrderBook
from noderr.market_data.units import to_decimal
from noderr.types.trading import Side
from noderr.types.trading.decimals import add

_ZERO = Decimal(0)
_FEW = 8


class Part(NamedTuple):
    """Of a level, in quote per base and base."""

    price: Decimal
    quantity: Decimal


class Hit(NamedTuple):
    """So much of a resting order was traded, at its limit."""

    order: SimulatedOrder
    quantity: Decimal


class SimulatedMarket:
    """Sans-IO. `book` is None while nobody knows it."""

    def __init__(self) -> None:
        self.book: OrderBook | None = None
        self._resting: list[SimulatedOrder] = []
        self._taken: dict[Side, dict[Decimal, Decimal]] = {Side.BUY: {}, Side.SELL: {}}
        """By side of the book and price: what we took of what is shown."""

    def on_event(self, event: MarketEvent, now_ns: int) -> list[Hit]:
        """What of our orders was traded by it. They stay in the market until they are removed."""
        match event:
            case BookSnapshot():
                self.book = OrderBook(event.scale)
                self.book.load(event.bids, event.asks)
                self._on_levels(Side.BUY, self._whole(Side.BUY, event.bids), now_ns)
                self._on_levels(Side.SELL, self._whole(Side.SELL, event.asks), now_ns)
                return self._crossed()
            case BookDelta() if self.book is not None:
                self.book.apply(event.bids, event.asks)
                self._on_levels(Side.BUY, self._decimals(event.bids), now_ns)
                self._on_levels(Side.SELL, self._decimals(event.asks), now_ns)
                return self._crossed()
            case Trade() if self.book is not None:
                return self._on_trade(event, now_ns)
            case Gap():
                self.book = None
            case _:
                pass
        return []

    def takes(self, order: SimulatedOrder) -> list[Part]:
        """What `order` would take now: the best first, and nothing at or beyond our own orders of the other side."""
        other = order.order.side.opposite
        own = self.own_best(other)
        return self._met(order, None if own is None else _rank(other, own))

    def take(self, taker: Side, parts: Iterable[Part]) -> None:
        """A taker of ours took these: they are gone."""
        taken = self._taken[taker.opposite]
        for price, quantity in parts:
            taken[price] = add(taken.get(price, _ZERO), quantity)

    def own_best(self, side: Side) -> Decimal | None:
        """The best limit of our own resting orders of a side."""
        limits = [limit_of(each) for each in self._resting if each.order.side is side]
        return (max if side is Side.BUY else min)(limits, default=None)

    def rest(self, order: SimulatedOrder, now_ns: int) -> None:
        """It waits at its limit, behind all that is there."""
        self._resting.append(order)
        self._place(order, now_ns)

    def remove(self, order: SimulatedOrder) -> None:
        """It is over, or never rested."""
        if order in self._resting:
            self._resting.remove(order)

    def _side(self, book: OrderBook, side: Side) -> BookSide:
        return book.bids if side is Side.BUY else book.asks

    def _shown(self, side: Side) -> Iterator[Part]:
        """What is left of the venue's levels when ours is taken away, the best first."""
        if self.book is None:
            return
        levels, scale, taken = self._side(self.book, side), self.book.scale, self._taken[side]
        for price, size in _best_first(levels):
            at = to_decimal(price, scale.price)
            yield Part(at, add(to_decimal(size, scale.size), -taken.get(at, _ZERO)))

    def _decimals(self, levels: Iterable[Level]) -> list[Part]:
        if self.book is None or not (self._resting or any(self._taken.values())):
            return []
        scale = self.book.scale
        return [Part(to_decimal(price, scale.price), to_decimal(size, scale.size)) for price, size in levels]

    def _whole(self, side: Side, levels: Iterable[Level]) -> list[Part]:
        """A snapshot's levels, and nothing where it has none and we have something."""
        said = self._decimals(levels)
        there = {part.price for part in said}
        # What is deeper than its last level a snapshot does not tell.
        ours = {
            limit_of(each) for each in self._resting if each.order.side is side and self._reaches(side, limit_of(each))
        }
        return said + [Part(price, _ZERO) for price in (ours | set(self._taken[side])) - there]

    def _on_levels(self, side: Side, levels: list[Part], now_ns: int) -> None:
        taken = self._taken[side]
        sizes = dict(levels)
        for price in taken.keys() & sizes.keys():
            # Who came since we took stays; of what was there then, no more can be ours than is left.
            taken[price] = min(taken[price], sizes[price])
            if not taken[price]:
                del taken[price]
        for order in self._resting:
            if order.order.side is side:
                if (size := sizes.get(limit_of(order))) is not None:
                    order.position.on_level(size, now_ns)
                elif order.position.ahead is None:
                    self._place(order, now_ns)

    def _place(self, order: SimulatedOrder, now_ns: int) -> None:
        """Behind what is there now; nobody knows while the book or that depth of it is not known."""
        side, limit = order.order.side, limit_of(order)
        if self.book is not None and self._reaches(side, limit):
            levels, scale = self._side(self.book, side), self.book.scale
            there = {to_decimal(price, scale.price): size for price, size in levels.top(len(levels))}
            order.position.on_level(to_decimal(there.get(limit, 0), scale.size), now_ns)

    def _reaches(self, side: Side, price: Decimal) -> bool:
        """Whether the book tells what is at that price: feeds end at some depth."""
        if self.book is None:
            return False
        levels = self._side(self.book, side)
        worst = levels.top(len(levels))[-1:]
        return not worst or _rank(side, price) >= _rank(side, to_decimal(worst[0][0], self.book.scale.price))

    def _crossed(self) -> list[Hit]:
        """Orders of ours that meet what the venue shows: whoever came there would have traded with us."""
        hits = []
        for order in self._by_priority(self._resting):
            if parts := self._met(order, None):
                self.take(order.order.side, parts)
                hits.append(Hit(order, total(parts)))
        return hits

    def _met(self, order: SimulatedOrder, above: Decimal | None) -> list[Part]:
        """What the venue shows for an order, of levels that rank above what is given."""
        other, left, parts = order.order.side.opposite, order.left, []
        for price, there in self._shown(other):
            if not left or not order.meets(price) or (above is not None and _rank(other, price) <= above):
                break
            if quantity := min(left, there):
                parts.append(Part(price, quantity))
                left = add(left, -quantity)
        return parts

    def _on_trade(self, trade: Trade, now_ns: int) -> list[Hit]:
        """Our better prices come first, then our place in the queue; together they get no more than was traded."""
        side = Side.BUY if trade.taker == "sell" else Side.SELL
        left, hits = trade.quantity, []
        # What was traded before an order came did not meet it, however late it is told.
        there = [each for each in self._resting if each.order.side is side and each.arrived_ns <= trade.event_ns]
        for order in self._by_priority(there):
            limit = limit_of(order)
            if _rank(side, limit) < _rank(side, trade.price) or not left:
                break
            if limit == trade.price:
                reached = order.position.on_trade(left, now_ns)
            else:
                order.position.on_trade_through()
                reached = left
            if quantity := min(order.left, reached):
                hits.append(Hit(order, quantity))
                left = add(left, -quantity)
        return hits

    def _by_priority(self, orders: Iterable[SimulatedOrder]) -> list[SimulatedOrder]:
        return sorted(orders, key=lambda one: (_rank(one.order.side.opposite, limit_of(one)), one.arrived))


def _best_first(levels: BookSide) -> Iterator[Level]:
    """Most walks end at the touch: the whole side is not copied for them."""
    yield from levels.top(_FEW)
    yield from levels.top(len(levels))[_FEW:]


def _rank(side: Side, price: Decimal) -> Decimal:
    """The greater, the earlier it is served on that side of a book."""
    return price if side is Side.BUY else price.copy_negate()


def total(parts: Iterable[Part]) -> Decimal:
    """The quantity of all."""
    quantity = _ZERO
    for part in parts:
        quantity = add(quantity, part.quantity)
    return quantity
