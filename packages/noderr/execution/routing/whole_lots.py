"""The cheapest split in whole lots, of one size or of several, each a multiple of the next smaller one."""

from __future__ import annotations

from collections.abc import Sequence

from noderr.execution.routing.leg import Leg
from noderr.execution.routing.water_fill import improve, water_fill


def divide(legs: Sequence[Leg], floors: Sequence[int], target: int) -> list[int]:
    """Quantities from floor to capacity: as near to `target` as there are lots, and then as cheap as it gets.

    As a function of what the legs with the largest lot get together, the cost is convex: what is left for the others
    moves in whole lots of theirs, and a sum of convex functions, split at its best, is convex again. So a step that
    does not gain ends the search in its direction, and it starts next to the optimum.
    """
    start = water_fill(legs, floors, target)
    lot = max(leg.lot for leg in legs)
    if all(leg.lot == lot for leg in legs):
        return improve(legs, floors, start)
    coarse = [index for index, leg in enumerate(legs) if leg.lot == lot]
    fine = [index for index, leg in enumerate(legs) if leg.lot != lot]
    least = sum(floors[index] for index in coarse)
    most = min(sum(legs[index].capacity for index in coarse), target - sum(floors[index] for index in fine))

    def split(amount: int) -> tuple[tuple[int, int], list[int]]:
        """What comes of it when the coarse legs get so much: unfilled and cost, and the quantities."""
        quantities = [0] * len(legs)
        for part, share in ((coarse, amount), (fine, target - amount)):
            found = divide([legs[index] for index in part], [floors[index] for index in part], share)
            for index, quantity in zip(part, found, strict=True):
                quantities[index] = quantity
        cost = sum(leg.fine_cost(quantity) for leg, quantity in zip(legs, quantities, strict=True))
        return (target - sum(quantities), cost), quantities

    amount = sum(start[index] for index in coarse)
    best = split(amount)
    for step in (lot, -lot):
        while least <= amount + step <= most and (other := split(amount + step))[0] < best[0]:
            amount, best = amount + step, other
    return best[1]
