"""Implementation shortfall: what a portfolio on paper that trades all at the decision's price gains on the real one.

Perold, "The implementation shortfall: paper versus reality", J. Portfolio Management 14(3) (1988); its parts after
Kissell and Glantz, "Optimal Trading Strategies" (2003). A positive amount is a cost, for buys and for sells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from noderr.execution.costs.executed import executed
from noderr.execution.costs.figure import Insufficient, basis_points
from noderr.execution.errors import CostError
from noderr.types.trading import Fill, Money, Order
from noderr.types.trading.decimals import add, multiply

type Price = Decimal | Insufficient
"""In quote per base."""
type Cost = Money | Insufficient
"""In quote."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """All against `paper`: the order's whole quantity at the price at which it was decided."""

    paper: Money
    execution: Money
    """Of what was filled: its price against the decision's. `delay` and `trading` together."""
    delay: Cost
    """Of what was filled: what the price moved from the decision to the order's arrival."""
    trading: Cost
    """Of what was filled: its price against the one at arrival."""
    opportunity: Cost
    """Of what was not filled: what the price moved from the decision to the end."""
    fees: Cost

    @property
    def total(self) -> Cost:
        """`execution`, `opportunity` and `fees`: it can be known where `delay` is not."""
        total = self.execution
        for part in (self.opportunity, self.fees):
            if isinstance(part, Insufficient):
                return part
            total = total + part
        return total

    def bps(self, cost: Cost) -> Decimal | Insufficient:
        """One of these costs in basis points of `paper`."""
        return cost if isinstance(cost, Insufficient) else basis_points(cost.amount, self.paper.amount)


def measure_shortfall(
    order: Order, fills: Sequence[Fill], *, decision_price: Decimal, arrival_price: Price, end_price: Price
) -> Shortfall:
    """`arrival_price` when the order came in, `end_price` when it was over. Raises `CostError` and `InexactError`."""
    for name, price in (("decision", decision_price), ("arrival", arrival_price), ("end", end_price)):
        if isinstance(price, Decimal) and not (price.is_finite() and price > 0):
            raise CostError(f"{name}_price is {price}: it must be positive, or Insufficient where nobody knows")
    done = executed(order, fills)
    quote = order.symbol.partition("/")[2]
    sign = Decimal(order.side.sign)

    def cost(amount: Decimal) -> Money:
        return Money(multiply(sign, amount), quote)

    def moved(quantity: Decimal, to_price: Price) -> Cost:
        if not quantity:
            return Money(Decimal(0), quote)
        if isinstance(to_price, Insufficient):
            return to_price
        return cost(multiply(quantity, add(to_price, -decision_price)))

    execution = cost(add(done.turnover, -multiply(done.quantity, decision_price)))
    delay = moved(done.quantity, arrival_price)
    return Shortfall(
        paper=Money(multiply(order.quantity, decision_price), quote),
        execution=execution,
        delay=delay,
        trading=delay if isinstance(delay, Insufficient) else execution - delay,
        opportunity=moved(add(order.quantity, -done.quantity), end_price),
        fees=done.fees,
    )
