"""The parts of an order that may be sent now, and how far each has come. A schedule hands them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from noderr.execution.schedules.schedule import Slice
from noderr.market_data.events import Trade


class Slicing(Protocol):
    """What the trade needs of a schedule; `noderr.execution.schedules` has them."""

    @property
    def next_time_ns(self) -> int | None: ...
    @property
    def is_done(self) -> bool: ...
    def on_start(self, now_ns: int) -> Sequence[Slice]: ...
    def on_time(self, now_ns: int) -> Sequence[Slice]: ...
    def on_trade(self, trade: Trade) -> Sequence[Slice]: ...
    def on_fill(self, number: int, quantity: Decimal, now_ns: int) -> Sequence[Slice]: ...
    def on_over(self, number: int, now_ns: int) -> Sequence[Slice]: ...
    def cancel(self) -> None: ...


class AtOnce:
    """The whole order as one slice, until `until_ns`. What cannot be filled of it is not tried again."""

    def __init__(self, quantity: Decimal, until_ns: int) -> None:
        self._slice: Slice | None = Slice(1, quantity, until_ns)

    @property
    def next_time_ns(self) -> int | None:
        return None

    @property
    def is_done(self) -> bool:
        return self._slice is None

    def on_start(self, now_ns: int) -> Sequence[Slice]:
        whole, self._slice = self._slice, None
        return () if whole is None else (whole,)

    def on_time(self, now_ns: int) -> Sequence[Slice]:
        return ()

    def on_trade(self, trade: Trade) -> Sequence[Slice]:
        return ()

    def on_fill(self, number: int, quantity: Decimal, now_ns: int) -> Sequence[Slice]:
        return ()

    def on_over(self, number: int, now_ns: int) -> Sequence[Slice]:
        return ()

    def cancel(self) -> None:
        self._slice = None


@dataclass(slots=True)
class OpenSlice:
    """`quantity` in base. `attempts` counts how often something was sent for it."""

    number: int
    quantity: Decimal
    until_ns: int
    attempts: int = 0
    retry_at_ns: int = 0
    """Not before then is it tried again."""
