"""What the router answers. Quantities are in base; costs and fees in quote.

A cost is what goes out all-in: positive for a buyer, negative for a seller, who receives it. Less is better.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from decimal import Decimal

from noderr.types.trading import Side


class Shortfall(enum.StrEnum):
    """Why a part cannot be filled."""

    LIQUIDITY = "liquidity"
    """There is no more, at any price."""
    LIMIT_PRICE = "limit-price"
    """There is more, beyond the limit."""
    LOT = "lot"
    """It is no whole number of lots where there is something left."""
    MINIMUM = "minimum"
    """It is below the smallest order of every venue that has something left."""
    MAX_VENUES = "max-venues"
    """It would take more venues than may be used."""


@dataclass(frozen=True, slots=True)
class Insufficient:
    """Not all can be filled; `reasons` add up to `unfilled`."""

    filled: Decimal
    unfilled: Decimal
    reasons: tuple[tuple[Shortfall, Decimal], ...]


@dataclass(frozen=True, slots=True)
class Child:
    """One venue's part. `limit_price` is the worst price that it is expected to meet, quote per base.

    `cost` has `fees` in it and `overhead` not: what trading there costs besides, once or per unit.
    """

    venue: str
    quantity: Decimal
    limit_price: Decimal
    cost: Decimal
    fees: Decimal
    overhead: Decimal


@dataclass(frozen=True, slots=True)
class SingleVenue:
    """What the best venue alone would come to; `cost` with all overhead."""

    venue: str
    quantity: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """Children by name of venue. `cost` with all fees and overhead; `insufficient` is None if all can be filled."""

    side: Side
    quantity: Decimal
    children: tuple[Child, ...]
    filled: Decimal
    cost: Decimal
    fees: Decimal
    insufficient: Insufficient | None
    single: SingleVenue | None

    @property
    def saving(self) -> Decimal | None:
        """What the best single venue costs more; None where none fills as much, and there is nothing to compare."""
        if self.single is None or self.single.quantity != self.filled:
            return None
        return self.single.cost - self.cost
