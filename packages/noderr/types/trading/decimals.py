"""Decimal numbers that are exact or refused: no float gets in, no digit gets lost, one number has one text."""

from __future__ import annotations

from decimal import Context, Decimal, DecimalException, DivisionByZero, Inexact, InvalidOperation, Overflow

from noderr.types.trading.errors import InexactError

MAX_DIGITS = 78
"""The digits of a uint256."""

_LARGEST_EXPONENT = 96
_EXACT = Context(prec=2 * MAX_DIGITS, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])


def is_exact(value: object) -> bool:
    """Whether this is a finite `Decimal` that a uint256 with 18 decimals could hold; a float or an int is none."""
    if not isinstance(value, Decimal) or not value.is_finite():
        return False
    _, digits, exponent = value.as_tuple()
    return len(digits) <= MAX_DIGITS and isinstance(exponent, int) and abs(exponent) <= _LARGEST_EXPONENT


def decimal_text(value: Decimal) -> str:
    """The one text of a number: no exponent, no needless zero, no sign on zero. 1E+2 is "100", -0.50 is "-0.5"."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def parse_decimal(text: str) -> Decimal:
    """The number that `text` is the one text of. Raises `ValueError` for any other writing: bytes stay unique."""
    try:
        value = Decimal(text)
    except DecimalException as error:
        raise ValueError(f"{text!r} is no decimal number") from error
    if not is_exact(value) or decimal_text(value) != text:
        raise ValueError(f"{text!r} is not how a number is written: no exponent, no needless zero, {MAX_DIGITS} digits")
    return value


def add(first: Decimal, second: Decimal) -> Decimal:
    """The exact sum. Raises `InexactError`."""
    try:
        return _EXACT.add(first, second)
    except DecimalException as error:
        raise InexactError(f"{first} + {second} has no exact sum") from error


def multiply(first: Decimal, second: Decimal) -> Decimal:
    """The exact product. Raises `InexactError`."""
    try:
        return _EXACT.multiply(first, second)
    except DecimalException as error:
        raise InexactError(f"{first} x {second} has no exact product") from error


def is_multiple(value: Decimal, step: Decimal) -> bool:
    """Whether `value` is a whole number of `step`, which is positive."""
    try:
        return _EXACT.remainder(value, step) == 0
    except DecimalException:
        # The whole number has more digits than we count in: no price or quantity does.
        return False


def to_base_units(amount: Decimal, decimals: int) -> int:
    """`amount` in the smallest unit of a token with that many decimals. Raises `InexactError` if that is not whole."""
    try:
        scaled = _EXACT.scaleb(amount, decimals)
    except DecimalException as error:
        raise InexactError(f"{amount} cannot be written in units of 10^-{decimals}") from error
    if scaled != (whole := int(scaled)):
        raise InexactError(f"{amount} is no whole number of units of 10^-{decimals}: round it where it is decided")
    return whole


def from_base_units(units: int, decimals: int) -> Decimal:
    """The amount that so many of the smallest unit are. Raises `InexactError`."""
    try:
        return _EXACT.scaleb(Decimal(units), -decimals)
    except DecimalException as error:
        raise InexactError(f"{units} units of 10^-{decimals} have no exact amount") from error
