"""What an order is expected to move the price by, before it is sent."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

from noderr.execution.errors import CostError

_DIGITS = Context(prec=28, rounding=ROUND_HALF_EVEN)
_BPS = Decimal("0.0001")


def square_root_impact(
    quantity: Decimal, daily_volume: Decimal, daily_volatility: Decimal, coefficient: Decimal
) -> Decimal:
    """coefficient · σ · √(quantity / volume) in basis points of the price, to 4 digits.

    The square-root law: Torre, "BARRA Market Impact Model Handbook" (1997); Tóth et al., Phys. Rev. X 1, 021006 (2011),
    who find a coefficient of the order of one. Volatility is a fraction of the price, quantity and volume are in base.
    None has a default: each is to be estimated for its market. Raises `CostError`.
    """
    for name, value, least in (
        ("quantity", quantity, False),
        ("daily_volume", daily_volume, True),
        ("daily_volatility", daily_volatility, False),
        ("coefficient", coefficient, True),
    ):
        if not value.is_finite() or value < 0 or (least and not value):
            raise CostError(f"{name} is {value}: it must be {'positive' if least else 'at least 0'}")
    share = _DIGITS.sqrt(_DIGITS.divide(quantity, daily_volume))
    fraction = _DIGITS.multiply(_DIGITS.multiply(coefficient, daily_volatility), share)
    return _DIGITS.quantize(_DIGITS.multiply(fraction, Decimal(10_000)), _BPS)
