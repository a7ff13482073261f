"""Prices and sizes as whole numbers of the smallest unit: exact, and faster than Decimal. Venues send decimal text."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from noderr.market_data.errors import UnitsError
from noderr.types.trading import from_base_units

_MOST_DIGITS = 40


class Scale(msgspec.Struct, frozen=True):
    """Digits after the point that one unit stands for: of prices (quote per base) and of sizes (base)."""

    price: int
    size: int


def to_units(text: str, digits: int) -> int:
    """The number in units of 10^-digits. Raises `UnitsError` for a sign, an exponent, or a finer number."""
    whole, _, fraction = text.partition(".")
    missing = digits - len(fraction)
    if missing == 0:
        number = whole + fraction
    elif missing > 0:
        number = whole + fraction + "0" * missing
    elif fraction[digits:].strip("0"):
        raise UnitsError(f"{text!r} has more than {digits} digits after the point: it would have to be rounded")
    else:
        number = whole + fraction[:digits]
    # `int` alone takes "1_0", " 1" and digits of other scripts.
    if not (whole and number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS):
        raise UnitsError(f"{text[:60]!r} is no plain decimal number of at most {_MOST_DIGITS} digits")
    return int(number)


def digits_after_point(text: str) -> int:
    """2 for "0.10"."""
    return len(text.partition(".")[2])


def to_decimal(units: int, digits: int) -> Decimal:
    """The exact number. Raises `InexactError` where there is none."""
    return from_base_units(units, digits)
