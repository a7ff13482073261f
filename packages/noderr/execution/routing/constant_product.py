"""The swap of a constant product pool, rounded as Uniswap v2 rounds it: in the pool's favour.

Adams, Zinsmeister, Robinson: Uniswap v2 Core (2020), section 3.2.1; the amounts are its periphery's
`getAmountOut` and `getAmountIn`. `kept` is what a fee leaves of the amount that goes in: (997, 1000) for 0.3 %.
"""

from __future__ import annotations

type Ratio = tuple[int, int]

UNISWAP_V2: Ratio = (997, 1_000)
MOST_RESERVE = (1 << 112) - 1
"""A reserve is a uint112."""


def amount_out(amount_in: int, reserve_in: int, reserve_out: int, kept: Ratio = UNISWAP_V2) -> int:
    """The most that comes out, in base units."""
    numerator, denominator = kept
    effective = amount_in * numerator
    return effective * reserve_out // (reserve_in * denominator + effective)


def amount_in(amount_out: int, reserve_in: int, reserve_out: int, kept: Ratio = UNISWAP_V2) -> int:
    """What must go in, in base units, so that `amount_out`, which is below its reserve, comes out."""
    numerator, denominator = kept
    return reserve_in * amount_out * denominator // ((reserve_out - amount_out) * numerator) + 1
