"""What the fields of the records have in common. Each check raises `FieldError`."""

from __future__ import annotations

import re
from decimal import Decimal

from noderr.types.trading.decimals import is_exact
from noderr.types.trading.errors import FieldError

_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_CURRENCY = re.compile(r"[A-Z0-9]{2,12}")
_SYMBOL = re.compile(rf"{_CURRENCY.pattern}/{_CURRENCY.pattern}")
_MAX_TIME_NS = (1 << 63) - 1
# 2001-09-09: what lies before it was given in other units than nanoseconds.
_MIN_TIME_NS = 1_000_000_000_000_000_000


def check_number(
    record: object, field: str, value: object, *, above: int | None = None, least: int | None = None
) -> None:
    """A finite Decimal, greater than `above` or at least `least` where these are given."""
    wanted = "a finite Decimal"
    if above is not None:
        wanted += f" above {above}"
    if least is not None:
        wanted += f" of at least {least}"
    fits = is_exact(value) and isinstance(value, Decimal)
    if not (fits and (above is None or value > above) and (least is None or value >= least)):  # type: ignore[operator]
        raise FieldError(_name(record), field, value, wanted)


def check_id(record: object, field: str, value: object) -> None:
    """1 to 64 letters, digits and `_ . : -`: what every venue and log takes."""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise FieldError(_name(record), field, value, "1 to 64 letters, digits or any of _ . : -")


def check_currency(record: object, field: str, value: object) -> None:
    """A code such as USD, BTC or USDC."""
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise FieldError(_name(record), field, value, "2 to 12 capital letters or digits, such as BTC")


def check_symbol(record: object, field: str, value: object) -> None:
    """BASE/QUOTE, such as BTC/USD."""
    if not isinstance(value, str) or not _SYMBOL.fullmatch(value):
        raise FieldError(_name(record), field, value, "BASE/QUOTE, such as BTC/USD")


def check_time(record: object, field: str, value: object) -> None:
    """UTC nanoseconds since 1970."""
    if not isinstance(value, int) or isinstance(value, bool) or not _MIN_TIME_NS <= value <= _MAX_TIME_NS:
        raise FieldError(_name(record), field, value, "nanoseconds since 1970-01-01 UTC, after 2001")


def check_integer(record: object, field: str, value: object, least: int, most: int) -> None:
    """An int from `least` to `most`."""
    if type(value) is int and least <= value <= most:
        return  # What nearly all are; the rest costs a little more.
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise FieldError(_name(record), field, value, f"an int from {least} to {most}")


def check_bytes(record: object, field: str, value: object, length: int) -> None:
    """Just so many bytes."""
    if not isinstance(value, bytes) or len(value) != length:
        raise FieldError(_name(record), field, value, f"{length} bytes")


def _name(record: object) -> str:
    return record.__name__ if isinstance(record, type) else type(record).__name__
