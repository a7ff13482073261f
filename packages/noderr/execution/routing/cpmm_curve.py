"""A constant product pool as a taker meets it: every unit costs more than the one before."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from math import isqrt
from typing import Self

from noderr.execution.errors import CurveError
from noderr.execution.routing.constant_product import MOST_RESERVE, amount_in, amount_out
from noderr.execution.routing.curve import digits_of, power_of_ten, up_to_lot, whole
from noderr.types.trading import Side

_PRICE_DIGITS = 60
"""So many that between two neighbouring prices there is less than a base unit of a pool."""
_FINER_DIGITS = 40
"""So many that the costs of two neighbouring base units differ."""
_FINER = power_of_ten(_FINER_DIGITS)
_LIMIT_DIGITS = 24


class CpmmCurve:
    """A pool's reserves, in base units, and its fee. A `VenueCurve`; its price has the fee in it, as the pool's has."""

    def __init__(
        self,
        side: Side,
        base_reserve: int,
        quote_reserve: int,
        *,
        fee: Decimal,
        base_decimals: int,
        quote_decimals: int,
        lot_size: Decimal | None = None,
    ) -> None:
        """`fee` is a fraction of what goes in; `lot_size`, in base, is one base unit when None. Raises `CurveError`."""
        for name, reserve in (("base_reserve", base_reserve), ("quote_reserve", quote_reserve)):
            if not 0 < reserve <= MOST_RESERVE:
                raise CurveError(f"{name} is {reserve}: a pool has from 1 to 2^112 - 1 base units")
        if not fee.is_finite() or not 0 <= fee < 1:
            raise CurveError(f"fee is {fee}: it is a fraction of what goes in, from 0 to below 1")
        for name, decimals in (("base_decimals", base_decimals), ("quote_decimals", quote_decimals)):
            if not 0 <= decimals <= 36:
                raise CurveError(f"{name} is {decimals}: a token has from 0 to 36")
        lot_digits = 0 if lot_size is None else digits_of(lot_size)
        if lot_size is not None and (lot_size <= 0 or lot_digits > base_decimals):
            raise CurveError(f"lot_size is {lot_size}: it is a whole number of base units, 10^-{base_decimals}")
        self.side = side
        self.quantity_digits = base_decimals
        self.money_digits = quote_decimals
        self.price_digits = _PRICE_DIGITS
        self.fine_digits = quote_decimals + _FINER_DIGITS
        self.lot = 1 if lot_size is None else whole(lot_size, base_decimals)
        self.least = self.lot
        self._base, self._quote = base_reserve, quote_reserve
        denominator = power_of_ten(digits_of(fee))
        self._kept = (denominator - whole(fee, digits_of(fee)), denominator)
        # A price of 1 quote unit for 1 base unit, in units of `price_digits`.
        self._unit_price = power_of_ten(_PRICE_DIGITS + base_decimals - quote_decimals)
        self._limit: Decimal | None = None
        self._set_capacity(self._all())

    def supply(self, price: int) -> int:
        if not self.capacity or price >= self.prices[-1]:
            return self.capacity
        return min(self._supply(price), self.capacity)

    def cost(self, quantity: int) -> int:
        return self._cost(quantity, self._kept)

    def fine_cost(self, quantity: int) -> int:
        kept, whole_ = self._kept
        if self.side is Side.BUY:
            return self._quote * quantity * whole_ * _FINER // ((self._base - quantity) * kept)
        return -(self._quote * quantity * kept * _FINER // (self._base * whole_ + quantity * kept))

    def fees(self, quantity: int) -> int:
        return self._cost(quantity, self._kept) - self._cost(quantity, (1, 1))

    def worst_price(self, quantity: int) -> Decimal:
        # Of very few base units the rounding makes the average the worse of the two.
        context = Context(prec=_LIMIT_DIGITS, rounding=ROUND_CEILING if self.side is Side.BUY else ROUND_FLOOR)
        average = context.divide(
            Decimal(abs(self.cost(quantity))).scaleb(self.quantity_digits - self.money_digits), Decimal(quantity)
        )
        last = context.scaleb(Decimal(abs(self._marginal(quantity))), -_PRICE_DIGITS)
        if self.side is Side.BUY:
            worst = max(average, last)
            return worst if self._limit is None else min(worst, self._limit)
        worst = min(average, last)
        return worst if self._limit is None else max(worst, self._limit)

    def within(self, limit_price: Decimal) -> Self:
        numerator, denominator = limit_price.as_integer_ratio()
        limit = numerator * power_of_ten(_PRICE_DIGITS)
        limit = limit // denominator if self.side is Side.BUY else -(-limit // denominator)
        part = type(self).__new__(type(self))
        part.__dict__.update(self.__dict__)
        part._limit = limit_price
        capacity = min(self._supply(self.side.sign * limit), self.capacity) // self.lot * self.lot
        # The average of all that is filled honours the limit too, whole base units and all: not of the very smallest.
        least = self.lot
        while least < capacity and not self._average_honours(limit, least):
            least *= 2
        if not capacity or not self._average_honours(limit, min(least, capacity)):
            capacity = 0
        part.least = up_to_lot(min(least, max(capacity, self.lot)), self.lot)
        part._set_capacity(capacity)
        return part

    def _set_capacity(self, capacity: int) -> None:
        self.capacity = capacity // self.lot * self.lot
        self.prices = [self._marginal(0), self._marginal(self.capacity)] if self.capacity else []

    def _all(self) -> int:
        """What can be traded before a reserve is empty or overflows."""
        if self.side is Side.SELL:
            return MOST_RESERVE - self._base
        room = max(0, MOST_RESERVE - self._quote - 1)
        return min(self._base - 1, amount_out(room, self._quote, self._base, self._kept))

    def _cost(self, quantity: int, kept: tuple[int, int]) -> int:
        if not quantity:
            return 0
        if self.side is Side.BUY:
            return amount_in(quantity, self._quote, self._base, kept)
        return -amount_out(quantity, self._base, self._quote, kept)

    def _marginal(self, quantity: int) -> int:
        """The signed price of the next unit, rounded up: the derivative of the cost without its rounding."""
        kept, whole_ = self._kept
        if self.side is Side.BUY:
            left = self._base - quantity
            return -(-self._quote * self._base * whole_ * self._unit_price // (kept * left * left))
        there = self._base * whole_ + quantity * kept
        return -(self._quote * self._base * kept * whole_ * self._unit_price // (there * there))

    def _supply(self, price: int) -> int:
        """Where the marginal price reaches `price`: the same formulas, solved for the quantity."""
        kept, whole_ = self._kept
        if self.side is Side.BUY:
            if price <= 0:
                return 0
            squared = -(-self._quote * self._base * whole_ * self._unit_price // (kept * price))
            return max(0, self._base - isqrt(squared - 1) - 1)
        if price >= 0:
            return MOST_RESERVE
        there = isqrt(self._quote * self._base * kept * whole_ * self._unit_price // -price)
        return max(0, there - self._base * whole_) // kept

    def _average_honours(self, limit: int, quantity: int) -> bool:
        """Whether the exact cost is inside by a quote unit or more, which then holds for every larger quantity too.

        limit x quantity - cost grows with the quantity as long as the marginal price is inside.
        """
        kept, whole_ = self._kept
        if self.side is Side.BUY:
            left = (self._base - quantity) * kept
            return limit * quantity * left >= (self._quote * quantity * whole_ + left) * self._unit_price
        there = self._base * whole_ + quantity * kept
        return (quantity * kept * self._quote - there) * self._unit_price >= limit * quantity * there
