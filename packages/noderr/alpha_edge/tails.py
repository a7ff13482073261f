"""Probabilities of Student's t and of F, from the incomplete beta function; the images have no scipy."""

from __future__ import annotations

import math

_TINY = 1e-300
_CLOSE = 1e-15
_MOST_TERMS = 10_000


def t_cdf(t: float, freedom: int) -> float:
    """The probability of at most `t` under Student's t with so many degrees of freedom."""
    square = t * t
    if square < freedom:  # From the middle outwards, where what is near to 1 would lose its digits.
        tail = 0.5 - 0.5 * incomplete_beta(square / (freedom + square), 0.5, freedom / 2)
    else:
        tail = 0.5 * incomplete_beta(freedom / (freedom + square), freedom / 2, 0.5)
    return tail if t < 0 else 1.0 - tail


def f_tail(f: float, numerator: int, denominator: int) -> float:
    """The probability of at least `f` >= 0 under F with these degrees of freedom."""
    share = numerator * f
    if share < denominator:
        return 1.0 - incomplete_beta(share / (denominator + share), numerator / 2, denominator / 2)
    return incomplete_beta(denominator / (denominator + share), denominator / 2, numerator / 2)


def incomplete_beta(x: float, a: float, b: float) -> float:
    """I_x(a, b), regularised, by its continued fraction (DLMF 8.17.22), evaluated as Lentz (1976) does."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - incomplete_beta(1.0 - x, b, a)  # There the fraction converges fast.
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    value, c, d = 1.0, 1.0, 0.0
    for term in range(_MOST_TERMS):
        m = term // 2
        if term == 0:
            coefficient = 1.0
        elif term % 2 == 0:
            coefficient = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        else:
            coefficient = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1.0 + coefficient * d
        d = 1.0 / (d if abs(d) > _TINY else _TINY)
        c = 1.0 + coefficient / c
        c = c if abs(c) > _TINY else _TINY
        value *= c * d
        if abs(1.0 - c * d) < _CLOSE:
            break
    return front * (value - 1.0) / a
