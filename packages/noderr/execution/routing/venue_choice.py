"""Which venues take part, where that is a choice: costs paid once a venue, smallest orders, a bound on their number.

Branch and bound over the venues (Land and Doig, 1960). A node has decided that some trade at least their smallest order
and pay what is fixed, and that some do not trade. For the others it forgets both, which can only be better: a bound.
For n venues there are fewer than 2^(n+1) nodes, and one where nothing is fixed and no smallest order is in the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from noderr.execution.routing.leg import Leg
from noderr.execution.routing.whole_lots import divide


@dataclass(frozen=True, slots=True)
class Choice:
    """Quantities in the order of the legs. What fills more is better, and of these what costs less."""

    unfilled: int
    cost: int
    quantities: tuple[int, ...]

    def is_better_than(self, other: Choice) -> bool:
        return (self.unfilled, self.cost) < (other.unfilled, other.cost)


def single(legs: Sequence[Leg], index: int, target: int) -> Choice | None:
    """What one venue alone comes to; None if it trades nothing of it."""
    leg = legs[index]
    quantity = min(leg.capacity, target)
    quantity -= quantity % leg.lot
    if not quantity or quantity < leg.least:
        return None
    quantities = [0] * len(legs)
    quantities[index] = quantity
    return Choice(target - quantity, leg.cost(quantity) + leg.fixed, tuple(quantities))


def best_single(legs: Sequence[Leg], target: int) -> Choice | None:
    """The best venue alone; the first of equals."""
    found = [choice for index in range(len(legs)) if (choice := single(legs, index, target))]
    return min(found, key=lambda choice: (choice.unfilled, choice.cost), default=None)


def choose(legs: Sequence[Leg], target: int, most: int) -> Choice:
    """The best of all splits over at most `most` venues."""
    search = _Search(legs, target, most)
    search.visit(frozenset(), frozenset(range(len(legs))))
    return search.best


class _Search:
    def __init__(self, legs: Sequence[Leg], target: int, most: int) -> None:
        self._legs = legs
        self._target = target
        self._most = most
        self.best = best_single(legs, target) or Choice(target, 0, (0,) * len(legs))

    def visit(self, included: frozenset[int], allowed: frozenset[int]) -> None:
        """Everything in which the included trade and of the others only the allowed may."""
        relaxed = self._relax(included, included if len(included) == self._most else allowed)
        if relaxed is None or not relaxed.is_better_than(self.best):
            return
        legs, quantities = self._legs, relaxed.quantities
        used = [index for index, quantity in enumerate(quantities) if quantity]
        undecided = [index for index in used if index not in included]
        forgotten = [index for index in undecided if legs[index].fixed or quantities[index] < legs[index].least]
        if len(used) <= self._most:
            if not forgotten:
                self.best = relaxed
                return
            self._take(relaxed, undecided)
        branch = max(forgotten or undecided, key=lambda index: (quantities[index], -index))
        self.visit(included | {branch}, allowed)
        self.visit(included, allowed - {branch})

    def _relax(self, included: frozenset[int], allowed: frozenset[int]) -> Choice | None:
        indices = sorted(allowed)
        floors = [self._legs[index].least if index in included else 0 for index in indices]
        if sum(floors) > self._target or any(
            self._legs[index].capacity < floor for index, floor in zip(indices, floors, strict=True)
        ):
            return None
        quantities = [0] * len(self._legs)
        cost = sum(self._legs[index].fixed for index in included)
        if indices:
            found = divide([self._legs[index] for index in indices], floors, self._target)
            for index, quantity in zip(indices, found, strict=True):
                quantities[index] = quantity
                cost += self._legs[index].cost(quantity)
        return Choice(self._target - sum(quantities), cost, tuple(quantities))

    def _take(self, relaxed: Choice, undecided: list[int]) -> None:
        """The bound's own split, with what it forgot to pay: if it may be traded it may be the best so far."""
        if any(relaxed.quantities[index] < self._legs[index].least for index in undecided):
            return
        paid = Choice(
            relaxed.unfilled, relaxed.cost + sum(self._legs[index].fixed for index in undecided), relaxed.quantities
        )
        if paid.is_better_than(self.best):
            self.best = paid
