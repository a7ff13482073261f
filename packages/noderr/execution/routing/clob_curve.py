"""A limit order book's side as a taker meets it: the marginal all-in price is constant within a level."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Self

from noderr.execution.errors import CurveError
from noderr.execution.routing.curve import digits_of, power_of_ten, up_to_lot, whole
from noderr.market_data.order_book import Level, OrderBook
from noderr.market_data.units import Scale
from noderr.types.trading import Instrument, Side
from noderr.types.trading.decimals import from_base_units


class ClobCurve:
    """Levels, the best first, and the fee of taking them. A `VenueCurve`."""

    def __init__(
        self, side: Side, levels: Sequence[Level], scale: Scale, *, taker_fee: Decimal, instrument: Instrument
    ) -> None:
        """`levels` are asks for a buyer and bids for a seller; `taker_fee` is a fraction of the notional, on top.

        It is in quote; a negative one is a rebate. Raises `CurveError`.
        """
        if not taker_fee.is_finite() or not -1 < taker_fee < 1:
            raise CurveError(f"taker_fee is {taker_fee}: it is a fraction of the notional between -1 and 1")
        sign = side.sign
        if any(price <= 0 or size <= 0 for price, size in levels):
            raise CurveError(f"{instrument.symbol} has a level whose price or size is not above 0: load the book anew")
        if any((after[0] - before[0]) * sign <= 0 for before, after in pairwise(levels)):
            raise CurveError(f"{instrument.symbol}'s levels for a {side.value} get better: hand in the best first")
        self.side = side
        self.instrument = instrument
        fee_digits = digits_of(taker_fee)
        self._scale = scale
        self._fee = whole(taker_fee, fee_digits)
        self._factor = power_of_ten(fee_digits) + sign * self._fee
        self._taker_fee = taker_fee
        self.quantity_digits = max(scale.size, *map(digits_of, (instrument.lot_size, instrument.min_quantity)))
        self.price_digits = scale.price + fee_digits
        self.money_digits = self.fine_digits = self.price_digits + self.quantity_digits
        self.lot = whole(instrument.lot_size, self.quantity_digits)
        per_size = power_of_ten(self.quantity_digits - scale.size)
        self._levels = tuple(levels)
        # Beginning with the nothing before the first level.
        self._quantities = [0, *accumulate(size * per_size for _, size in levels)]
        self.prices = [sign * self._factor * price for price, _ in levels]
        self._costs = [
            0,
            *accumulate(price * size * per_size for price, (_, size) in zip(self.prices, levels, strict=True)),
        ]
        self.capacity = self._quantities[-1] // self.lot * self.lot
        self.least = up_to_lot(
            max(self.lot, whole(instrument.min_quantity, self.quantity_digits), self._least_for_notional()), self.lot
        )

    @classmethod
    def of(
        cls, side: Side, levels: Iterable[tuple[Decimal, Decimal]], *, taker_fee: Decimal, instrument: Instrument
    ) -> Self:
        """From prices (quote per base) and sizes (base). Raises `CurveError`."""
        pairs = list(levels)
        scale = Scale(
            max((digits_of(price) for price, _ in pairs), default=0),
            max((digits_of(size) for _, size in pairs), default=0),
        )
        units = [(whole(price, scale.price), whole(size, scale.size)) for price, size in pairs]
        return cls(side, units, scale, taker_fee=taker_fee, instrument=instrument)

    def supply(self, price: int) -> int:
        return min(self._quantities[bisect_right(self.prices, price)], self.capacity)

    def cost(self, quantity: int) -> int:
        if not quantity:
            return 0
        level = self._level_of(quantity)
        return self._costs[level] + self.prices[level] * (quantity - self._quantities[level])

    def fine_cost(self, quantity: int) -> int:
        return self.cost(quantity)

    def fees(self, quantity: int) -> int:
        return abs(self.cost(quantity)) // self._factor * self._fee

    def worst_price(self, quantity: int) -> Decimal:
        return from_base_units(self._levels[self._level_of(quantity)][0], self._scale.price)

    def within(self, limit_price: Decimal) -> Self:
        sign = self.side.sign
        numerator, denominator = limit_price.as_integer_ratio()
        limit = sign * numerator * power_of_ten(self._scale.price)
        inside = bisect_right(self._levels, limit, key=lambda level: sign * denominator * level[0])
        if inside == len(self._levels):
            return self
        return type(self)(
            self.side, self._levels[:inside], self._scale, taker_fee=self._taker_fee, instrument=self.instrument
        )

    def _level_of(self, quantity: int) -> int:
        """Where the last unit of a quantity above 0 is."""
        return bisect_left(self._quantities, quantity) - 1

    def _least_for_notional(self) -> int:
        """From which quantity on every order has the least notional, at its fills and at its worst price alike."""
        wanted = whole(self.instrument.min_notional, digits := digits_of(self.instrument.min_notional))
        if not wanted or not self._levels:
            return 0
        # One unit of price times one of quantity, in the units of `wanted`, is 10^-shift.
        shift = self._scale.price + self.quantity_digits - digits
        wanted, per = (wanted * power_of_ten(shift), 1) if shift >= 0 else (wanted, power_of_ten(-shift))
        least, paid = 0, 0
        for (price, _), (before, after) in zip(self._levels, pairwise(self._quantities), strict=True):
            if self.side is Side.SELL:
                # At its worst price an order is worth less when it has just reached the next level.
                if (needed := -(-wanted // (price * per))) > before + 1:
                    least = min(needed, after + 1)
            elif (paid + (after - before) * price) * per >= wanted:
                return before - (paid * per - wanted) // (price * per)
            else:
                paid += (after - before) * price
                least = after + 1
        return least


def clob_curve(
    book: OrderBook, side: Side, *, taker_fee: Decimal, instrument: Instrument, depth: int | None = None
) -> ClobCurve:
    """What a taker of that side meets in the book now; at most `depth` levels of it. Raises `CurveError`."""
    levels = book.asks if side is Side.BUY else book.bids
    return ClobCurve(
        side,
        levels.top(len(levels) if depth is None else depth),
        book.scale,
        taker_fee=taker_fee,
        instrument=instrument,
    )
