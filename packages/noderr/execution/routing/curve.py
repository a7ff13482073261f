"""What a router needs to know of a venue: how much there is, in which steps, and what each quantity costs."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol, Self

from noderr.execution.errors import CurveError
from noderr.types.trading import Side


class VenueCurve(Protocol):
    """One venue's liquidity for takers of one side, as it is at a moment; the fee of taking it is in the cost.

    Everything is a whole number: a quantity of 10^-`quantity_digits` base, an amount of 10^-`money_digits` quote, a
    price of 10^-`price_digits` quote per base. Costs and prices are signed: what a buyer pays is positive, what a
    seller receives negative, so that less is better on either side and a cost is a convex function of the quantity.
    """

    @property
    def side(self) -> Side:
        """The taker's."""

    @property
    def quantity_digits(self) -> int: ...

    @property
    def money_digits(self) -> int: ...

    @property
    def price_digits(self) -> int: ...

    @property
    def fine_digits(self) -> int:
        """Of `fine_cost`."""

    @property
    def lot(self) -> int:
        """Every quantity is a multiple of it."""

    @property
    def least(self) -> int:
        """The smallest order that the venue takes; every multiple of the lot from here to the capacity is taken."""

    @property
    def capacity(self) -> int:
        """All that there is, in whole lots."""

    @property
    def prices(self) -> Sequence[int]:
        """Ascending, all-in: where the supply jumps, and where it begins and ends."""

    def supply(self, price: int) -> int:
        """How much there is whose last unit costs at most `price` all-in; at most the capacity, not cut to lots."""

    def cost(self, quantity: int) -> int:
        """All-in, of a quantity from 0 to the capacity."""

    def fine_cost(self, quantity: int) -> int:
        """The same before a venue rounds it to its own units, in units of 10^-`fine_digits`: what is decided by.

        Rounding makes steps, and a search in single lots would walk along them for ever.
        """

    def fees(self, quantity: int) -> int:
        """The part of the cost that would be saved if the venue took no fee; not signed."""

    def worst_price(self, quantity: int) -> Decimal:
        """The limit with which an order of that quantity is just filled, without the fees that are charged on top."""

    def within(self, limit_price: Decimal) -> Self:
        """The part that no unit of is filled at a worse price, by the measure of `worst_price`."""


def digits_of(number: Decimal) -> int:
    """Digits after the point. Raises `CurveError` for what is not finite."""
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        raise CurveError(f"{number} is no finite number")
    return max(0, -exponent)


def power_of_ten(digits: int) -> int:
    """10^digits, of at least 0 digits."""
    power: int = 10**digits
    return power


def whole(number: Decimal, digits: int) -> int:
    """In units of 10^-digits, which `number` has no finer part than."""
    numerator, denominator = number.as_integer_ratio()
    return numerator * power_of_ten(digits) // denominator


def up_to_lot(quantity: int, lot: int) -> int:
    """The least multiple of the lot that is not below."""
    return -(-quantity // lot) * lot
