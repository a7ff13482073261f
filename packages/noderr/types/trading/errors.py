"""Errors of `noderr.types.trading`.

TypesError
├── FieldError          a field that cannot have this value; names record, field, value and remedy
├── InexactError        arithmetic on money whose result would have to be rounded
├── CurrencyError       two currencies where there must be one
└── TransitionError     an order cannot go from this state to that
"""

from __future__ import annotations

from noderr.types.errors import TypesError


class FieldError(TypesError, ValueError):
    """A record refuses a value; `record` and `field` say where, the message says what would be accepted."""

    def __init__(self, record: str, field: str, value: object, wanted: str) -> None:
        self.record = record
        self.field = field
        self.value = value
        shown = repr(value)
        super().__init__(
            f"{record}.{field} is {shown if len(shown) <= 80 else shown[:77] + '...'}: it must be {wanted}"
        )


class InexactError(TypesError, ArithmeticError):
    """The exact result does not exist in the digits that there are."""


class CurrencyError(TypesError, ValueError):
    """Amounts of different currencies do not add up."""


class TransitionError(TypesError):
    """What happened to an order cannot have happened in its state."""
