"""Arithmetic that never rounds: what breaks a limit by the last digit breaks it."""

from __future__ import annotations

from decimal import Context, DivisionByZero, Inexact, InvalidOperation, Overflow, getcontext, setcontext
from types import TracebackType

_EXACT = Context(prec=2_000, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
"""Products of four numbers that `is_exact` takes, and sums of thousands of these, fit with room to spare."""


class exactly:
    """Inside the block Decimals are added and multiplied without rounding. Nothing may be awaited in it."""

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        self._before = getcontext()
        setcontext(_EXACT)

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        setcontext(self._before)
