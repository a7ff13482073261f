"""A venue among others: its curve in units that all of them share, and what trading there costs besides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from noderr.execution.routing.curve import VenueCurve, digits_of, power_of_ten, whole


@dataclass(frozen=True, slots=True)
class Units:
    """Digits after the point of every quantity, price and amount; so many that nothing is rounded."""

    quantity: int
    price: int
    money: int
    fine: int
    """Of the costs that are decided by."""

    @classmethod
    def of(
        cls, curves: Iterable[VenueCurve], quantity: Decimal, fixed: list[Decimal], per_unit: list[Decimal]
    ) -> Units:
        """The coarsest that hold all of these."""
        curves = list(curves)
        per_unit_digits = max(map(digits_of, per_unit), default=0)
        quantity_digits = max(digits_of(quantity), *(curve.quantity_digits for curve in curves))
        money_digits = max(*map(digits_of, fixed), *(curve.money_digits for curve in curves), 0)
        money_digits = max(money_digits, per_unit_digits + quantity_digits)
        return cls(
            quantity_digits,
            max(per_unit_digits, *(curve.price_digits for curve in curves)),
            money_digits,
            max(money_digits, *(curve.fine_digits for curve in curves)),
        )


class Leg:
    """One venue in shared units. `fixed` is paid once if anything is traded there."""

    __slots__ = (
        "_amount",
        "_fine_amount",
        "_per_fine",
        "_per_money",
        "_per_price",
        "_per_quantity",
        "_unit_price",
        "capacity",
        "curve",
        "fixed",
        "least",
        "lot",
        "name",
        "prices",
    )

    def __init__(self, name: str, curve: VenueCurve, units: Units, fixed: Decimal, per_unit: Decimal) -> None:
        self.name = name
        self.curve = curve
        self._per_quantity = power_of_ten(units.quantity - curve.quantity_digits)
        self._per_money = power_of_ten(units.money - curve.money_digits)
        self._per_price = power_of_ten(units.price - curve.price_digits)
        self._unit_price = whole(per_unit, units.price)
        self._per_fine = power_of_ten(units.fine - curve.fine_digits)
        self._amount = whole(per_unit, units.money - units.quantity)
        self._fine_amount = whole(per_unit, units.fine - units.quantity)
        self.fixed = whole(fixed, units.money)
        self.lot = curve.lot * self._per_quantity
        self.least = curve.least * self._per_quantity
        self.capacity = curve.capacity * self._per_quantity
        self.prices = [price * self._per_price + self._unit_price for price in curve.prices]

    def supply(self, price: int) -> int:
        """Whole lots of which the last unit costs at most `price`, all-in."""
        supply = self.curve.supply((price - self._unit_price) // self._per_price) * self._per_quantity
        return supply - supply % self.lot

    def cost(self, quantity: int) -> int:
        """All-in but for what is fixed."""
        return self.curve.cost(quantity // self._per_quantity) * self._per_money + self._amount * quantity

    def fine_cost(self, quantity: int) -> int:
        """The cost before it is rounded, in units of its own: to compare splits of a quantity with."""
        return self.curve.fine_cost(quantity // self._per_quantity) * self._per_fine + self._fine_amount * quantity

    def shared_quantity(self, quantity: int) -> int:
        """A quantity in the curve's units in those of all."""
        return quantity * self._per_quantity

    def fees(self, quantity: int) -> int:
        """What of the cost is the venue's fee."""
        return self.curve.fees(quantity // self._per_quantity) * self._per_money

    def overhead(self, quantity: int) -> int:
        """What comes on top of the venue's prices and fees, for a quantity above 0."""
        return self._amount * quantity + self.fixed

    def worst_price(self, quantity: int) -> Decimal:
        """The limit with which a quantity above 0 is just filled."""
        return self.curve.worst_price(quantity // self._per_quantity)
