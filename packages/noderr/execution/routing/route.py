"""The router: the split of one parent order over venues that costs least, all in. No I/O, and nothing is remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise

from noderr.execution.errors import RouteError
from noderr.execution.routing.answer import plan
from noderr.execution.routing.curve import VenueCurve, whole
from noderr.execution.routing.leg import Leg, Units
from noderr.execution.routing.route_plan import RoutePlan, Shortfall
from noderr.execution.routing.venue_choice import Choice, best_single, choose
from noderr.execution.routing.whole_lots import divide
from noderr.types.trading import Side
from noderr.types.trading.decimals import is_exact

MOST_VENUES = 10
"""Choosing among n venues may take 2^n splits."""

_ZERO = Decimal(0)


def route(
    side: Side,
    quantity: Decimal,
    curves: Mapping[str, VenueCurve],
    *,
    limit_price: Decimal | None = None,
    fixed_costs: Mapping[str, Decimal] | None = None,
    unit_costs: Mapping[str, Decimal] | None = None,
    max_venues: int | None = None,
) -> RoutePlan:
    """Fill as much of `quantity` (base) as may be, as cheaply as it can be: prices, fees, and what comes on top.

    `curves` are of one instrument, by name of venue. No unit is filled beyond `limit_price` (quote per base, without
    the fees that are charged on top). `fixed_costs` are paid once where anything is traded, such as gas; `unit_costs`
    per base, such as what a refusal or a delay is expected to cost; both in quote. Exact for order books; for pools to
    a base unit of quote each, because their amounts are rounded. Raises `RouteError`.
    """
    fixed, per_unit = fixed_costs or {}, unit_costs or {}
    _check(side, quantity, curves, limit_price=limit_price, fixed=fixed, per_unit=per_unit, max_venues=max_venues)
    names = sorted(curves)
    inside = {name: curves[name] if limit_price is None else curves[name].within(limit_price) for name in names}
    units = Units.of(curves.values(), quantity, list(fixed.values()), list(per_unit.values()))
    legs = [Leg(name, inside[name], units, fixed.get(name, _ZERO), per_unit.get(name, _ZERO)) for name in names]
    _check_lots(legs)
    target = whole(quantity, units.quantity)
    best = choose(legs, target, max_venues or len(legs))
    shortfalls = _shortfalls(curves, legs, best, target, max_venues) if best.unfilled else ()
    return plan(side, quantity, legs, units, best=best, alone=best_single(legs, target), shortfalls=shortfalls)


def _shortfalls(
    curves: Mapping[str, VenueCurve],
    legs: Sequence[Leg],
    best: Choice,
    target: int,
    max_venues: int | None,
) -> tuple[tuple[Shortfall, int], ...]:
    """What is unfilled, by the rule that first leaves so much of it when the rules are applied one after the other."""
    there = sum(leg.shared_quantity(curves[leg.name].capacity) for leg in legs)
    inside = sum(leg.capacity for leg in legs)
    free = divide(legs, [0] * len(legs), target)
    unbound = best if max_venues is None else choose(legs, target, len(legs))
    left = [0]
    for filled in (there, inside, sum(free), target - unbound.unfilled, target - best.unfilled):
        left.append(max(left[-1], target - filled))
    found = [(reason, after - before) for reason, (before, after) in zip(Shortfall, pairwise(left), strict=True)]
    return tuple((reason, part) for reason, part in found if part)


def _check(
    side: Side,
    quantity: Decimal,
    curves: Mapping[str, VenueCurve],
    *,
    limit_price: Decimal | None,
    fixed: Mapping[str, Decimal],
    per_unit: Mapping[str, Decimal],
    max_venues: int | None,
) -> None:
    if not is_exact(quantity) or quantity <= 0:
        raise RouteError(f"quantity is {quantity!r}: it is a finite Decimal above 0")
    if limit_price is not None and (not is_exact(limit_price) or limit_price <= 0):
        raise RouteError(f"limit_price is {limit_price!r}: it is a finite Decimal above 0, or None")
    if not 1 <= len(curves) <= MOST_VENUES:
        raise RouteError(f"{len(curves)} venues: hand in from 1 to {MOST_VENUES}, those with the best prices")
    if max_venues is not None and max_venues < 1:
        raise RouteError(f"max_venues is {max_venues}: it is 1 or more, or None")
    for name, curve in curves.items():
        if curve.side is not side:
            raise RouteError(f"{name} has the curve of a {curve.side.value}, but this is a {side.value}")
    for what, costs in (("fixed_costs", fixed), ("unit_costs", per_unit)):
        for name, cost in costs.items():
            if name not in curves:
                raise RouteError(f"{what} has {name!r}, which is none of {', '.join(sorted(curves))}")
            if not is_exact(cost) or cost < 0:
                raise RouteError(f"{what}[{name!r}] is {cost!r}: it is a finite Decimal of at least 0, in quote")


def _check_lots(legs: Sequence[Leg]) -> None:
    for small, large in pairwise(sorted(legs, key=lambda leg: leg.lot)):
        if large.lot % small.lot:
            raise RouteError(f"{large.name}'s lot is no whole number of {small.name}'s: give one of them a coarser lot")
