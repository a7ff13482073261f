"""A figure, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

from noderr.types.trading import from_base_units

_BPS_DIGITS = 4
_QUOTIENT = Context(prec=28, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Insufficient:
    """The data do not say; 0 would be a claim."""

    reason: str


def basis_points(part: Decimal | Fraction, whole: Decimal | Fraction) -> Decimal:
    """Hundredths of a percent that `part` is of `whole`, to 4 digits, half to even."""
    share = Fraction(part) * 10_000 / Fraction(whole)
    return from_base_units(round(share * 10**_BPS_DIGITS), _BPS_DIGITS)


def quotient(dividend: Decimal, divisor: Decimal) -> Decimal:
    """An average price: to 28 digits, half to even."""
    return _QUOTIENT.divide(dividend, divisor)
