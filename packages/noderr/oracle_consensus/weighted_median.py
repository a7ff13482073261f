"""The weighted median: what most of the weight is on neither side of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from noderr.oracle_consensus.errors import MedianError


def weighted_median(values: Sequence[int], weights: Sequence[int]) -> int:
    """The smallest of `values` at or below which lies at least half of the weight: 2 · cumulated(x) >= total.

    It is one of the values, in any order of them. While those who lie have less than half of the weight, it is neither
    below the smallest nor above the largest value of those who do not. Raises `MedianError`.
    """
    return weighted_medians([values], weights)[0]


def weighted_medians(columns: Iterable[Sequence[int]], weights: Sequence[int]) -> list[int]:
    """The weighted median of each column of values, under the same weights. Raises `MedianError`."""
    _check_integers(weights)
    if weights and min(weights) < 1:
        raise MedianError(f"a weight is {min(weights)}: leave out who has none")
    total = sum(weights)
    return [_median(values, weights, total) for values in columns]


def _median(values: Sequence[int], weights: Sequence[int], total: int) -> int:
    if not values or len(values) != len(weights):
        raise MedianError(f"{len(values)} values have {len(weights)} weights: give one weight a value, and one value")
    _check_integers(values)
    cumulated = 0
    for value, weight in sorted(zip(values, weights, strict=True)):
        cumulated += weight
        if 2 * cumulated >= total:
            return value
    raise AssertionError("unreachable: all the weight together is at least half of it")


def _check_integers(numbers: Sequence[int]) -> None:
    if not {*map(type, numbers)} <= {int}:
        number = next(number for number in numbers if type(number) is not int)
        raise MedianError(f"{number!r} is no int: scale to integers first, so that every node computes the same")
