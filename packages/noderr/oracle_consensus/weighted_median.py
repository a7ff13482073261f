"""The weighted median: what most of the weight is on neither side of."""

from __future__ import annotations

from collections.abc import Sequence

from noderr.oracle_consensus.errors import MedianError


def weighted_median(values: Sequence[int], weights: Sequence[int]) -> int:
    """The smallest of `values` at or below which lies at least half of the weight: 2 · cumulated(x) >= total.

    It is one of the values, in any order of them. While those who lie have less than half of the weight, it is neither
    below the smallest nor above the largest value of those who do not. Raises `MedianError`.
    """
    if not values or len(values) != len(weights):
        raise MedianError(f"{len(values)} values have {len(weights)} weights: give one weight a value, and one value")
    if {*map(type, values), *map(type, weights)} != {int}:
        number = next(number for number in (*values, *weights) if type(number) is not int)
        raise MedianError(f"{number!r} is no int: scale to integers first, so that every node computes the same")
    if min(weights) < 1:
        raise MedianError(f"a weight is {min(weights)}: leave out who has none")
    total = sum(weights)
    cumulated = 0
    for value, weight in sorted(zip(values, weights, strict=True)):
        cumulated += weight
        if 2 * cumulated >= total:
            return value
    raise AssertionError("unreachable: all the weight together is at least half of it")
