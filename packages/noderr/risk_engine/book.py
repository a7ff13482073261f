"""What a portfolio comes to at the worst: every open order counts as filled where that makes it riskier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from noderr.risk_engine.exact import exactly
from noderr.types.trading import Position, Side
from noderr.types.trading.portfolio import Reference

_ZERO = Decimal(0)


class Open(Protocol):
    """An open order's part of the sums."""

    @property
    def symbol(self) -> str: ...
    @property
    def side(self) -> Side: ...
    @property
    def quantity(self) -> Decimal: ...
    @property
    def worst_price(self) -> Decimal: ...


@dataclass(frozen=True, slots=True)
class Holding:
    """In base, signed: what is held once all open buys (`most`) or all open sells (`least`) are filled."""

    most: Decimal = _ZERO
    least: Decimal = _ZERO

    @property
    def largest(self) -> Decimal:
        """The larger of the two ends, as a quantity."""
        return max(abs(self.most), abs(self.least))

    def with_order(self, side: Side, quantity: Decimal) -> Holding:
        if side is Side.BUY:
            return Holding(self.most + quantity, self.least)
        return Holding(self.most, self.least - quantity)


NOTHING = Holding()


class Book:
    """Sums over all symbols, in quote: `gross`, and the `most` and `least` that all together can be worth.

    `reserved` is the cash that open buys take. What has no usable price is in `unpriced` and in no sum; `oldest_ns` is
    the time of the oldest price that was used.
    """

    __slots__ = ("gross", "holdings", "least", "most", "oldest_ns", "open_count", "reserved", "unpriced")

    def __init__(
        self, positions: Iterable[Position], open_orders: Iterable[Open], references: Mapping[str, Reference]
    ) -> None:
        """`references` are those with a usable price."""
        self.holdings: dict[str, Holding] = {}
        self.reserved = self.gross = self.most = self.least = _ZERO
        self.open_count = 0
        self.oldest_ns: int | None = None
        with exactly():
            self._hold(positions, open_orders)
            self.unpriced = tuple(symbol for symbol in self.holdings if symbol not in references)
            self._value(references)

    def _hold(self, positions: Iterable[Position], open_orders: Iterable[Open]) -> None:
        for position in positions:
            if position.quantity != _ZERO:
                self.holdings[position.symbol] = Holding(position.quantity, position.quantity)
        for order in open_orders:
            self.open_count += 1
            holding = self.holdings.get(order.symbol, NOTHING)
            self.holdings[order.symbol] = holding.with_order(order.side, order.quantity)
            if order.side is Side.BUY:
                self.reserved += order.quantity * order.worst_price

    def _value(self, references: Mapping[str, Reference]) -> None:
        times = []
        for symbol, holding in self.holdings.items():
            reference = references.get(symbol)
            if reference is not None:
                self.gross += holding.largest * reference.price
                self.most += holding.most * reference.price
                self.least += holding.least * reference.price
                times.append(reference.as_of_ns)
        self.oldest_ns = min(times, default=None)
