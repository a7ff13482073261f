"""What a trade asks of a router, and what it takes from it: which venues get how much of a part of the order, now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import replace
from dataclasses import dataclass
from decimal import Decimal

from noderr.types.trading import Order, Side, TimeInForce
from noderr.types.trading.decimals import add


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """So much of the order, in base, at its limit or better; `shunned` venues get none of it."""

    order: Order
    quantity: Decimal
    shunned: frozenset[str]
    now_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Allotted:
    """One child: quote per base, and None only where the parent has no limit."""

    venue: str
    quantity: Decimal
    limit_price: Decimal | None
    time_in_force: TimeInForce = TimeInForce.IOC
    post_only: bool = False


type Allot = Callable[[Wanted], Sequence[Allotted]]
"""Nothing when no venue that is known well enough can take any of it now."""


def objection(wanted: Wanted, parts: Iterable[Allotted]) -> str | None:
    """What is wrong with a router's answer: it is never trusted with more than was asked for."""
    total = Decimal(0)
    limit = wanted.order.limit_price
    for part in parts:
        total = add(total, part.quantity)
        if part.quantity <= 0:
            return f"{part.venue} would get {part.quantity}"
        if part.venue in wanted.shunned:
            return f"{part.venue} was to get nothing"
        if limit is not None and (part.limit_price is None or _is_worse(part.limit_price, limit, wanted.order.side)):
            return f"{part.venue} would get a limit of {part.limit_price}, and the order's is {limit}"
    if total > wanted.quantity:
        return f"{total} would be sent, and {wanted.quantity} was asked for"
    return None


def all_or_nothing(wanted: Wanted, parts: Sequence[Allotted]) -> Sequence[Allotted]:
    """For a fill-or-kill order: only one venue can promise that, so it is one child for all of it, or none."""
    if len(parts) == 1 and parts[0].quantity == wanted.order.quantity:
        return [replace(parts[0], time_in_force=TimeInForce.FOK)]
    return []


def _is_worse(price: Decimal, limit: Decimal, side: Side) -> bool:
    return (price - limit) * side.sign > 0
