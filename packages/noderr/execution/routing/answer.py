"""From the router's whole numbers to the plan that others read."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from noderr.execution.routing.leg import Leg, Units
from noderr.execution.routing.route_plan import Child, Insufficient, RoutePlan, Shortfall, SingleVenue
from noderr.execution.routing.venue_choice import Choice
from noderr.types.trading import Side
from noderr.types.trading.decimals import from_base_units


def plan(
    side: Side,
    quantity: Decimal,
    legs: Sequence[Leg],
    units: Units,
    *,
    best: Choice,
    alone: Choice | None,
    shortfalls: Sequence[tuple[Shortfall, int]],
) -> RoutePlan:
    """The best split, and beside it what the best venue alone comes to."""
    used = [(leg, part) for leg, part in zip(legs, best.quantities, strict=True) if part]
    filled = from_base_units(sum(best.quantities), units.quantity)
    insufficient = None
    if best.unfilled:
        insufficient = Insufficient(
            filled,
            from_base_units(best.unfilled, units.quantity),
            tuple((reason, from_base_units(part, units.quantity)) for reason, part in shortfalls),
        )
    return RoutePlan(
        side=side,
        quantity=quantity,
        children=tuple(_child(leg, part, units) for leg, part in used),
        filled=filled,
        cost=from_base_units(best.cost, units.money),
        fees=from_base_units(sum(leg.fees(part) for leg, part in used), units.money),
        insufficient=insufficient,
        single=None if alone is None else _single(legs, alone, units),
    )


def _child(leg: Leg, part: int, units: Units) -> Child:
    overhead = leg.overhead(part)
    return Child(
        venue=leg.name,
        quantity=from_base_units(part, units.quantity),
        limit_price=leg.worst_price(part),
        cost=from_base_units(leg.cost(part) + leg.fixed - overhead, units.money),
        fees=from_base_units(leg.fees(part), units.money),
        overhead=from_base_units(overhead, units.money),
    )


def _single(legs: Sequence[Leg], alone: Choice, units: Units) -> SingleVenue:
    ((name, part),) = ((leg.name, part) for leg, part in zip(legs, alone.quantities, strict=True) if part)
    return SingleVenue(name, from_base_units(part, units.quantity), from_base_units(alone.cost, units.money))
