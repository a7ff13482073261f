"""The slices of one trade: when each opens, what is sent for it and how often, when it is over. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from noderr.execution.actions import FaultKind, Submit
from noderr.execution.allotment import Allot, Wanted, all_or_nothing, objection
from noderr.execution.bounds import TradeBounds
from noderr.execution.placing import OrderIds, placements
from noderr.execution.records import SliceOpened
from noderr.execution.schedules.schedule import Slice
from noderr.execution.slices import OpenSlice, Slicing
from noderr.execution.trade_book import TradeBook
from noderr.execution.trade_output import TradeOutput
from noderr.market_data.events import Trade
from noderr.types.trading import TimeInForce


class SliceWork:
    """What is over may make room for more. From `stop_ns` on, and once the trade is halted, nothing is sent."""

    def __init__(
        self, book: TradeBook, output: TradeOutput, allot: Allot, ids: OrderIds, bounds: TradeBounds, *, stop_ns: int
    ) -> None:
        self.stop_ns = stop_ns
        self.schedule: Slicing | None = None
        """None after a restart: no schedule survives one."""
        self.gave_up = False
        """As many tries as are allowed left a rest."""
        self._book = book
        self._output = output
        self._allot = allot
        self._ids = ids
        self._bounds = bounds
        once = book.mandate.order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK)
        self._attempts = 1 if once else bounds.attempts

    def is_stopped(self, now_ns: int) -> bool:
        return self._book.halted is not None or now_ns >= self.stop_ns

    def more_may_come(self, now_ns: int) -> bool:
        """Whether the schedule may still hand something out."""
        waits = self.schedule is not None and not self.schedule.is_done
        return waits and not self.is_stopped(now_ns) and self._book.free > 0

    def times_ns(self, now_ns: int) -> list[int]:
        """When `work` may have something new to do."""
        if self.is_stopped(now_ns):
            return []
        parts = self._book.slices.values()
        times = [self.stop_ns]
        times += [part.until_ns for part in parts]
        times += [part.retry_at_ns for part in parts if self._may_send(part, now_ns)]
        if self.schedule is not None and self.schedule.next_time_ns is not None:
            times.append(self.schedule.next_time_ns)
        return times

    def start(self, schedule: Slicing, now_ns: int) -> None:
        """Once: with what the schedule hands out first."""
        self.schedule = schedule
        self._open(schedule.on_start(now_ns))

    def on_trade(self, trade: Trade, now_ns: int) -> None:
        """Somebody traded."""
        if self.schedule is not None and not self.is_stopped(now_ns):
            self._open(self.schedule.on_trade(trade))

    def on_fill(self, number: int, quantity: Decimal, now_ns: int) -> None:
        """So much of this slice was filled, in base."""
        if self.schedule is not None and number in self._book.slices:
            self._open(self.schedule.on_fill(number, quantity, now_ns))

    def work(self, now_ns: int) -> None:
        """Open what is due, send what may be sent, and go on until no slice that is over makes room for others."""
        if self.schedule is not None and not self.is_stopped(now_ns):
            self._open(self.schedule.on_time(now_ns))
        self._send_all(now_ns)
        while self._end_some(now_ns):
            self._send_all(now_ns)

    @property
    def _is_full(self) -> bool:
        return len(self._book.children) >= self._bounds.children

    def _open(self, slices: Iterable[Slice]) -> None:
        for part in slices:
            until_ns = min(part.until_ns, self.stop_ns)
            self._output.write(SliceOpened(self._book.mandate.trade_id, part.number, part.quantity, until_ns))

    def _send_all(self, now_ns: int) -> None:
        for part in list(self._book.slices.values()):
            if self._may_send(part, now_ns) and part.retry_at_ns <= now_ns < part.until_ns:
                self._send(part, now_ns)

    def _end_some(self, now_ns: int) -> bool:
        """Whether any was over."""
        over = [part for part in self._book.slices.values() if self._is_over(part, now_ns)]
        for part in over:
            self.gave_up = self.gave_up or (now_ns < part.until_ns and self._book.left_of(part) > 0)
            del self._book.slices[part.number]
            if self.schedule is not None:
                if self._is_full or self.is_stopped(now_ns):
                    # Nothing could be sent for what it hands out: each part would be over at once, for ever.
                    self.gave_up = self.gave_up or self._book.free > 0
                    self.schedule.cancel()
                self._open(self.schedule.on_over(part.number, now_ns))
        return bool(over)

    def _may_send(self, part: OpenSlice, now_ns: int) -> bool:
        return (
            not self.is_stopped(now_ns)
            and part.attempts < self._attempts
            and not self._is_full
            and self._book.left_of(part) > 0
        )

    def _is_over(self, part: OpenSlice, now_ns: int) -> bool:
        if any(not child.is_over for child in self._book.children_of(part)):
            return False
        return now_ns >= part.until_ns or not self._may_send(part, now_ns)

    def _send(self, part: OpenSlice, now_ns: int) -> None:
        part.retry_at_ns = now_ns + self._bounds.pause_ns
        wanted = Wanted(
            order=self._book.mandate.order,
            quantity=self._book.left_of(part),
            shunned=frozenset(self._book.shunned),
            now_ns=now_ns,
        )
        allotted = self._allot(wanted)[: self._bounds.children - len(self._book.children)]
        wrong = objection(wanted, allotted)
        if wrong is not None:
            self._output.fault(FaultKind.BAD_PLAN, "", wrong, now_ns)
            return
        if wanted.order.time_in_force is TimeInForce.FOK:
            allotted = all_or_nothing(wanted, allotted)
        placed = placements(self._book, part, allotted, self._ids, now_ns)
        for one in placed:
            self._output.write(one)
        self._output.want(*(Submit(one.venue, one.order, one.post_only) for one in placed))
