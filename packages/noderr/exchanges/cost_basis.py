"""What a position has cost, and what is earned when a part of it ends: by average cost, or first in, first out.

Quantities and costs are signed, negative when short. Everything is exact but `share`.
"""

from __future__ import annotations

import enum
from collections import deque
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Protocol

from noderr.types.trading.decimals import add, multiply

COST_DIGITS = 18
_UNIT = Decimal(1).scaleb(-COST_DIGITS)
_CONTEXT = Context(prec=320, rounding=ROUND_HALF_EVEN)
_ZERO = Decimal(0)


class CostMethod(enum.StrEnum):
    """Which part of a position is sold first."""

    AVERAGE = "average"
    FIFO = "fifo"


class CostBasis(Protocol):
    """`quantity` in base; `cost` in quote is what it was bought for, so that cost / quantity is the average price."""

    quantity: Decimal
    cost: Decimal

    def trade(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Buy `quantity`, or sell when it is negative; what was earned by it, in quote, without fees."""


def share(cost: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """cost x part / whole, half to even at 18 digits after the point.

    The one rounding there is. What is left keeps the rest of the cost, so that no digit of money is lost or made.
    """
    exact = _CONTEXT.multiply(cost, part)
    return _CONTEXT.quantize(_CONTEXT.divide(exact, whole), _UNIT)


class AverageCost:
    """Each part of a position cost the same."""

    def __init__(self) -> None:
        self.quantity = _ZERO
        self.cost = _ZERO

    def trade(self, quantity: Decimal, price: Decimal) -> Decimal:
        closed = _closed(self.quantity, quantity)
        went = self.cost if closed == -self.quantity else share(self.cost, -closed, self.quantity)
        opened = add(quantity, -closed)
        # What is closed goes for -closed x price.
        earned = add(multiply(-closed, price), -went)
        self.quantity = add(self.quantity, quantity)
        self.cost = add(add(self.cost, -went), multiply(opened, price))
        return earned


class FifoCost:
    """What was bought first is sold first."""

    def __init__(self) -> None:
        self.quantity = _ZERO
        self.cost = _ZERO
        self._lots: deque[tuple[Decimal, Decimal]] = deque()
        """Signed quantity and price, the oldest first."""

    def trade(self, quantity: Decimal, price: Decimal) -> Decimal:
        earned, left = _ZERO, quantity
        self.quantity = add(self.quantity, quantity)
        while self._lots and (closed := _closed(self._lots[0][0], left)):
            lot, paid = self._lots.popleft()
            earned = add(earned, multiply(-closed, add(price, -paid)))
            self.cost = add(self.cost, multiply(closed, paid))
            left = add(left, -closed)
            if kept := add(lot, closed):
                self._lots.appendleft((kept, paid))
        if left:
            self._lots.append((left, price))
            self.cost = add(self.cost, multiply(left, price))
        return earned


def basis_of(method: CostMethod) -> CostBasis:
    """An empty position."""
    return AverageCost() if method is CostMethod.AVERAGE else FifoCost()


def _closed(held: Decimal, traded: Decimal) -> Decimal:
    """What of a trade only takes a position back, signed as the trade."""
    if held * traded >= 0:
        return _ZERO
    return traded if abs(traded) <= abs(held) else -held
