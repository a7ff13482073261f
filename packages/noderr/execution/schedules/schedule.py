"""What all schedules are: told what happens, they say what to send next. No I/O, no clock: time is handed in.

Whoever drives one sends each `Slice` in whatever child orders it likes, tells every fill, and when nothing of a slice
can be filled any more (at the latest soon after its `until_ns`, when the rest is canceled) says `on_over`: only then is
what was not filled there to be sent again. So fills and what works never exceed the order.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from dataclasses import dataclass
from decimal import Decimal

from noderr.execution.errors import ScheduleError
from noderr.execution.schedules.parent import Parent
from noderr.market_data.events import Trade
from noderr.types.trading.decimals import add


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the order, to be worked from now on by its side and limit. `quantity` is whole lots, in base."""

    number: int
    """From 1."""
    quantity: Decimal
    until_ns: int
    """What is not filled then is to be canceled."""


class _State(enum.Enum):
    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELED = "canceled"


class Schedule(ABC):
    """Between `start_ns` and `end_ns`. Every call with a time may hand out slices; an earlier time than before is taken
    for the latest known."""

    def __init__(self, parent: Parent, start_ns: int, end_ns: int) -> None:
        expires_ns = parent.order.expires_at_ns
        if not 0 < start_ns < end_ns:
            raise ScheduleError(f"start_ns is {start_ns} and end_ns {end_ns}: the end must come after the start")
        if expires_ns is not None and end_ns > expires_ns:
            raise ScheduleError(f"end_ns is {end_ns}: the order expires at {expires_ns}")
        self.parent = parent
        self.start_ns = start_ns
        self.end_ns = end_ns
        self.filled = Decimal(0)
        """In base, of all slices."""
        self.open = parent.order.quantity
        """Neither filled nor in a slice that works; what is left of it in the end was not executed."""
        self._working: dict[int, Decimal] = {}
        self._slices = 0
        self._now_ns = 0
        self._state = _State.WAITING

    @property
    def working(self) -> Decimal:
        """In base: what slices that are not over may still fill."""
        total = Decimal(0)
        for quantity in self._working.values():
            total = add(total, quantity)
        return total

    @property
    def unsendable(self) -> Decimal:
        """What of `open` no slice can ever hold, given what works now: less than a lot, or than the smallest slice."""
        open_lots = self.parent.lots_in(self.open)
        if not self._working and open_lots < self.parent.least_lots:
            return self.open
        return add(self.open, -self.parent.quantity_of(open_lots))

    @property
    def is_done(self) -> bool:
        """Nothing works and no slice will follow."""
        if self._working:
            return False
        ended = self._state is _State.CANCELED or self._now_ns >= self.end_ns
        return ended or self.unsendable == self.open or self._has_no_more()

    @property
    def next_time_ns(self) -> int | None:
        """When `on_time` is wanted next; None before the start, and where time changes nothing any more."""
        if self._state in (_State.WAITING, _State.CANCELED) or self.is_done or self._now_ns >= self.end_ns:
            return None
        if self._state is _State.PAUSED:
            return self.end_ns
        return self._next_time_ns()

    def on_start(self, now_ns: int) -> list[Slice]:
        """Once. Raises `ScheduleError` if it was started or canceled before."""
        if self._state is not _State.WAITING:
            raise ScheduleError(f"the schedule is {self._state.value}: it starts once")
        self._state = _State.RUNNING
        return self._advance(now_ns)

    def on_time(self, now_ns: int) -> list[Slice]:
        """Time has passed; at any time, best at `next_time_ns`."""
        return self._advance(now_ns)

    def on_trade(self, trade: Trade) -> list[Slice]:
        """Somebody traded at a venue that counts. Raises `ScheduleError` for another symbol."""
        if trade.symbol != self.parent.order.symbol:
            raise ScheduleError(f"a trade in {trade.symbol} says nothing about {self.parent.order.symbol}")
        if self._state in (_State.RUNNING, _State.PAUSED) and trade.received_ns >= self.start_ns:
            self._observe(trade)
        return self._advance(trade.received_ns)

    def on_fill(self, number: int, quantity: Decimal, now_ns: int) -> list[Slice]:
        """So much more of slice `number` was filled. Raises `ScheduleError` for more than works of it."""
        works = self._working.get(number, Decimal(0))
        if not 0 < quantity <= works:
            raise ScheduleError(
                f"slice {number} was filled by {quantity}, but {works} of it works: tell each fill once"
            )
        self.filled = add(self.filled, quantity)
        self._working[number] = add(works, -quantity)
        if not self._working[number]:
            del self._working[number]
        return self._advance(now_ns)

    def on_over(self, number: int, now_ns: int) -> list[Slice]:
        """Nothing of slice `number` can be filled any more. Raises `ScheduleError` for a slice that never was."""
        if not 0 < number <= self._slices:
            raise ScheduleError(f"there is no slice {number}: the last was {self._slices}")
        self.open = add(self.open, self._working.pop(number, Decimal(0)))
        return self._advance(now_ns)

    def pause(self) -> None:
        """No slices until `resume`; those that work go on. Raises `ScheduleError` unless it runs."""
        if self._state is not _State.RUNNING:
            raise ScheduleError(f"the schedule is {self._state.value}: only one that runs can pause")
        self._state = _State.PAUSED

    def resume(self, now_ns: int) -> list[Slice]:
        """Go on as if it were planned so. Raises `ScheduleError` unless it is paused."""
        if self._state is not _State.PAUSED:
            raise ScheduleError(f"the schedule is {self._state.value}: only a paused one can resume")
        self._state = _State.RUNNING
        return self._advance(now_ns)

    def cancel(self) -> None:
        """No slices any more. The driver cancels those that work and goes on telling fills and `on_over`."""
        self._state = _State.CANCELED

    def _advance(self, now_ns: int) -> list[Slice]:
        self._now_ns = max(self._now_ns, now_ns)
        if self._state is not _State.RUNNING or not self.start_ns <= self._now_ns < self.end_ns:
            return []
        due = self._due(self._now_ns)
        return [] if due is None else [self._release(*due)]

    def _release(self, lots: int, until_ns: int) -> Slice:
        self._slices += 1
        made = Slice(self._slices, self.parent.quantity_of(lots), until_ns)
        self.open = add(self.open, -made.quantity)
        self._working[made.number] = made.quantity
        return made

    def _sendable(self, lots: int) -> int:
        """At most so many lots, so that neither they nor what stays open is less than the smallest slice; or 0."""
        open_lots, least = self.parent.lots_in(self.open), self.parent.least_lots
        lots = min(lots, open_lots - least) if lots < open_lots else open_lots
        return lots if lots >= least else 0

    def _has_no_more(self) -> bool:
        """Whether no slice will follow, though there is time and something open."""
        return False

    def _observe(self, trade: Trade) -> None:  # noqa: B027  (a schedule by time alone does not look at trades)
        """Take note of a trade since the start."""

    @abstractmethod
    def _next_time_ns(self) -> int:
        """As `next_time_ns`, while it runs."""

    @abstractmethod
    def _due(self, now_ns: int) -> tuple[int, int] | None:
        """Lots to be sent now, and until when."""
