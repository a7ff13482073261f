"""How much of a quantity each venue gets when nothing but the marginal price decides.

At the optimum the last unit costs the same everywhere that one is bought (the Karush-Kuhn-Tucker condition of a sum of
convex costs): find that price, take all that is cheaper, and share out what there is at it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from noderr.execution.routing.leg import Leg


def water_fill(legs: Sequence[Leg], floors: Sequence[int], target: int) -> list[int]:
    """Quantities from each leg's floor to its capacity, in its lots, that add up to `target` or to less by lots.

    The floors add up to `target` at most. Of equal prices the leg that comes first gets all it can.
    """
    capacities = [leg.capacity for leg in legs]
    if sum(capacities) <= target:
        return capacities
    if sum(floors) >= target:
        return list(floors)

    def at(price: int) -> list[int]:
        return [max(floor, leg.supply(price)) for leg, floor in zip(legs, floors, strict=True)]

    prices = sorted({price for leg in legs for price in leg.prices})
    found = bisect_left(prices, target, key=lambda price: sum(at(price)))
    high = prices[found]
    below, there = at(high - 1), at(high)
    if sum(below) >= target:
        # The price lies between two breaks, where only the supply of pools grows. A lot for each is close enough.
        low, high, there = prices[found - 1], high - 1, below
        below, step = at(low), max(1, abs(low) >> 10)
        while high - low > 1 and sum(there) - sum(below) > sum(leg.lot for leg in legs):
            # `high` may be the price of a pool's last unit, far away: up in growing steps first, then by halves.
            middle = min(low + step, (low + high) // 2)
            step *= 2
            supply = at(middle)
            if sum(supply) < target:
                low, below = middle, supply
            else:
                high, there = middle, supply
    rest = target - sum(below)
    for index, leg in enumerate(legs):
        taken = min(rest, there[index] - below[index])
        taken -= taken % leg.lot
        below[index] += taken
        rest -= taken
    return below


def improve(legs: Sequence[Leg], floors: Sequence[int], quantities: list[int]) -> list[int]:
    """Move lots, all of one size, from where the last is dear to where the next is cheap, until that gains nothing.

    For convex costs that is the optimum in whole lots: if no exchange of one lot gains, nothing does (Gross 1956;
    Ibaraki and Katoh, Resource Allocation Problems, 1988). It starts next to it, so that there are few moves.
    """
    if len(legs) < 2:
        return quantities
    costs = [leg.fine_cost(quantity) for leg, quantity in zip(legs, quantities, strict=True)]
    nexts = [_next(leg, quantity, cost) for leg, quantity, cost in zip(legs, quantities, costs, strict=True)]
    lasts = [_last(*each) for each in zip(legs, floors, quantities, costs, strict=True)]
    while True:
        gains = [
            (last - after, giver, taker)
            for giver, last in enumerate(lasts)
            if last is not None
            for taker, after in enumerate(nexts)
            if after is not None and taker != giver
        ]
        gain, giver, taker = max(gains, key=lambda move: (move[0], -move[1], -move[2]), default=(0, 0, 0))
        if gain <= 0:
            return quantities
        for index, lots in ((giver, -1), (taker, 1)):
            leg = legs[index]
            quantities[index] += lots * leg.lot
            costs[index] = leg.fine_cost(quantities[index])
            nexts[index] = _next(leg, quantities[index], costs[index])
            lasts[index] = _last(leg, floors[index], quantities[index], costs[index])


def _next(leg: Leg, quantity: int, cost: int) -> int | None:
    """What one more lot costs; None where there is none."""
    return leg.fine_cost(quantity + leg.lot) - cost if quantity + leg.lot <= leg.capacity else None


def _last(leg: Leg, floor: int, quantity: int, cost: int) -> int | None:
    """What one lot less would save; None where none may go."""
    return cost - leg.fine_cost(quantity - leg.lot) if quantity - leg.lot >= floor else None
