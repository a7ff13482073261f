"""Prices on a venue's ticks and quantities in its lots, exactly, and never to the disadvantage of who asks."""

from __future__ import annotations

from decimal import Decimal

from noderr.types.trading import Instrument, Side
from noderr.types.trading.checks import check_number
from noderr.types.trading.decimals import multiply


def round_to_tick(price: Decimal, instrument: Instrument, side: Side) -> Decimal:
    """The nearest price on a tick that is not worse: a buyer's limit goes down, a seller's up.

    Quote per base. Raises `FieldError` for what is no positive number, and for a buyer's price below the first tick.
    """
    check_number(instrument, "price", price, above=0)
    whole, over = _divide(price, instrument.tick_size)
    rounded = multiply(Decimal(whole + (over and side is Side.SELL)), instrument.tick_size)
    instrument.check_price(rounded)
    return rounded


def round_to_lot(quantity: Decimal, instrument: Instrument) -> Decimal:
    """The most in whole lots that is not above `quantity`, in base; 0 for less than a lot. Minima are not looked at.

    Raises `FieldError` for what is no number, or negative.
    """
    check_number(instrument, "quantity", quantity, least=0)
    return multiply(Decimal(_divide(quantity, instrument.lot_size)[0]), instrument.lot_size)


def _divide(value: Decimal, step: Decimal) -> tuple[int, bool]:
    """How often the step fits, and whether something is left: in whole numbers, because Decimal division rounds."""
    numerator, denominator = value.as_integer_ratio()
    step_numerator, step_denominator = step.as_integer_ratio()
    whole, rest = divmod(numerator * step_denominator, denominator * step_numerator)
    return whole, rest > 0
