"""One approved trade, from its mandate to its last fill. No I/O, no clock: told what happened, it says what to do.

Filled, open and unknown together never exceed the order: a child's quantity is out from its record on, and comes back
only when the venue has said, with all fills at hand, that nothing more can come of it. An order of unknown fate is
asked for and never sent again; what takes its place has another id and goes out after that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from noderr.exchanges.updates import OrderUpdate, RejectReason, VenueOrder
from noderr.execution.actions import Action, Fault, FaultKind, Finished, Submit, SubmitResult, Write
from noderr.execution.allotment import Allot, Allotted, Wanted, all_or_nothing, objection
from noderr.execution.bounds import TradeBounds
from noderr.execution.child_order import ChildOrder
from noderr.execution.errors import JournalError
from noderr.execution.finish import finish_reason
from noderr.execution.mandate import Mandate
from noderr.execution.order_tracker import Heard
from noderr.execution.records import (
    ChildEnded,
    ChildPlaced,
    FillKnown,
    Record,
    SliceOpened,
    TradeFinished,
    TradeHalted,
    TradeOpened,
)
from noderr.execution.schedules.schedule import Slice
from noderr.execution.slices import AtOnce, OpenSlice, Slicing
from noderr.execution.trade_book import TradeBook
from noderr.market_data.events import Trade
from noderr.types.trading import Order, OrderType, TimeInForce

type OrderIds = Callable[[bytes, int, int], str]
"""Of a trade's id, the number of its child, and the attempt."""

_HARMLESS = (RejectReason.WOULD_TAKE, RejectReason.CANNOT_FILL)


class TradeMachine:
    """Every input returns what is to be done, in order. Time is this node's; it never goes back."""

    def __init__(self, opened: TradeOpened, allot: Allot, ids: OrderIds, bounds: TradeBounds) -> None:
        self.book = TradeBook(opened, bounds)
        self._opened = opened
        self._allot = allot
        self._ids = ids
        self._bounds = bounds
        self._slicing: Slicing | None = None
        self.stop_ns = max(opened.at_ns, self.mandate.deadline_ns - bounds.margin_ns)
        """From then on nothing is sent."""
        once = self.mandate.order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK)
        self._attempts = 1 if once else bounds.attempts
        self._now_ns = opened.at_ns
        self._gave_up = False
        self._told: set[tuple[FaultKind, str]] = set()
        self._out: list[Action] = []

    @classmethod
    def of(cls, mandate: Mandate, allot: Allot, ids: OrderIds, bounds: TradeBounds, *, now_ns: int) -> TradeMachine:
        """For a trade that nothing was done for yet; `start` is next."""
        return cls(TradeOpened(mandate, now_ns), allot, ids, bounds)

    @classmethod
    def recovered(cls, records: Sequence[Record], allot: Allot, ids: OrderIds, bounds: TradeBounds) -> TradeMachine:
        """As its records, all of them in their order, left it; `resume` is next. Raises `JournalError`."""
        opened = records[0] if records else None
        if not isinstance(opened, TradeOpened):
            raise JournalError(f"a trade begins with {opened}: its opening is lost")
        machine = cls(opened, allot, ids, bounds)
        for record in records[1:]:
            if record.trade_id != machine.mandate.trade_id:
                raise JournalError(f"{record} is of another trade than {machine.mandate.trade_id.hex()}")
            machine.book.add(record)
        return machine

    @property
    def mandate(self) -> Mandate:
        return self.book.mandate

    @property
    def next_time_ns(self) -> int | None:
        """When `on_time` is wanted; None once it is finished."""
        if self.book.finished is not None:
            return None
        times = [time for child in self.book.open_children if (time := child.next_time_ns) is not None]
        if not self._is_stopped:
            times.append(self.stop_ns)
            times += [part.until_ns for part in self.book.slices.values()]
            times += [part.retry_at_ns for part in self.book.slices.values() if self._may_send(part)]
            if self._slicing is not None and self._slicing.next_time_ns is not None:
                times.append(self._slicing.next_time_ns)
        return min(times, default=None)

    def start(self, slicing: Slicing | None = None) -> list[Action]:
        """Once. Without a schedule the whole order is worked at once, until the deadline."""
        self._slicing = slicing or AtOnce(self.mandate.order.quantity, self.stop_ns)
        self._out.append(Write(self._opened))
        self._open(self._slicing.on_start(self._now_ns))
        return self._go_on(self._now_ns)

    def resume(self, now_ns: int) -> list[Action]:
        """After a restart: ask for everything that may have been sent, and go on with the slices that are open.

        What a schedule had not handed out yet stays unsent.
        """
        for child in self.book.open_children:
            child.recovered(now_ns)
        return self._go_on(now_ns)

    def on_update(self, update: OrderUpdate, now_ns: int) -> list[Action]:
        """A venue's update of one of its children; of others nothing is known, and nothing done."""
        child = self.book.children.get(update.client_order_id)
        if child is not None:
            self._hear(child, lambda: child.on_update(update, self._at(now_ns)))
        return self._go_on(now_ns)

    def on_venue_order(
        self, client_order_id: str, said: VenueOrder | None, now_ns: int, *, is_certain: bool = False
    ) -> list[Action]:
        """The answer to a `Query`. None: not there; `is_certain` where the venue vouches that it never will be."""
        child = self.book.children[client_order_id]
        self._hear(child, lambda: child.on_venue_order(said, self._at(now_ns), is_certain=is_certain))
        return self._go_on(now_ns)

    def on_query_failed(self, client_order_id: str, now_ns: int) -> list[Action]:
        """A `Query` had no answer."""
        self.book.children[client_order_id].on_query_failed(self._at(now_ns))
        return self._go_on(now_ns)

    def on_submit_result(
        self, client_order_id: str, result: SubmitResult, now_ns: int, *, why: str = "", shuns: bool = False
    ) -> list[Action]:
        """How a `Submit` went. `shuns`: the venue is to get nothing more of this trade."""
        child = self.book.children[client_order_id]

        def take() -> Heard:
            child.on_submit_result(result, why, self._at(now_ns))
            return Heard()

        self._hear(child, take, shuns=shuns)
        return self._go_on(now_ns)

    def on_trade(self, trade: Trade) -> list[Action]:
        """Somebody traded: schedules by volume look at it."""
        if self._slicing is not None and not self._is_stopped:
            self._open(self._slicing.on_trade(trade))
        return self._go_on(trade.received_ns)

    def on_time(self, now_ns: int) -> list[Action]:
        """Time has passed."""
        return self._go_on(now_ns)

    def halt(self, why: str, now_ns: int) -> list[Action]:
        """Send nothing more, take what is out of the market back, and finish when all of it is settled."""
        self._halt(why, self._at(now_ns))
        return self._go_on(now_ns)

    @property
    def _is_stopped(self) -> bool:
        return self.book.halted is not None or self._now_ns >= self.stop_ns

    def _at(self, now_ns: int) -> int:
        self._now_ns = max(self._now_ns, now_ns)
        return self._now_ns

    def _write(self, record: Record) -> None:
        self.book.add(record)
        self._out.append(Write(record))

    def _halt(self, why: str, now_ns: int) -> None:
        if self.book.halted is None and self.book.finished is None:
            self._write(TradeHalted(self.mandate.trade_id, why, now_ns))

    def _fault(self, kind: FaultKind, client_order_id: str, detail: str) -> None:
        if (kind, client_order_id) in self._told:
            return
        self._told.add((kind, client_order_id))
        self._out.append(Fault(kind, self.mandate.trade_id, client_order_id, detail))
        if kind.halts:
            self._halt(f"{kind}: {detail}", self._now_ns)

    def _hear(self, child: ChildOrder, take: Callable[[], Heard], *, shuns: bool = False) -> None:
        was_over = child.is_over
        heard = take()
        for fill in heard.fills:
            self._write(FillKnown(self.mandate.trade_id, fill, self._now_ns))
            part = self.book.slices.get(child.placed.slice)
            if self._slicing is not None and part is not None and not heard.faults:
                self._open(self._slicing.on_fill(part.number, fill.quantity, self._now_ns))
        if child.is_over and not was_over:
            reason = child.tracker.rejected
            shuns = shuns or (reason is not None and reason not in _HARMLESS)
            self._write(
                ChildEnded(self.mandate.trade_id, child.id, child.tracker.state, child.why, shuns, self._now_ns)
            )
        for kind, detail in heard.faults:
            self._fault(kind, child.id, detail)

    def _open(self, slices: Iterable[Slice]) -> None:
        for part in slices:
            self._write(
                SliceOpened(self.mandate.trade_id, part.number, part.quantity, min(part.until_ns, self.stop_ns))
            )

    def _go_on(self, now_ns: int) -> list[Action]:
        now_ns = self._at(now_ns)
        if self.book.finished is None:
            if self._slicing is not None and not self._is_stopped:
                self._open(self._slicing.on_time(now_ns))
            while self._work(now_ns):
                pass
            for child in self.book.open_children:
                if self._is_stopped or now_ns >= self.book.slices[child.placed.slice].until_ns:
                    child.cancel(now_ns)
                self._out.extend(child.due(now_ns))
                if child.is_stuck_at(now_ns):
                    self._fault(FaultKind.STUCK, child.id, f"{child.placed.venue} has not said what became of it")
            self._finish(now_ns)
        out, self._out = self._out, []
        return out

    def _work(self, now_ns: int) -> bool:
        """Send what may be sent. True where a slice that is over may have made room for others."""
        for part in list(self.book.slices.values()):
            if self._may_send(part) and part.retry_at_ns <= now_ns < part.until_ns:
                self._send(part, now_ns)
        over = [part for part in self.book.slices.values() if self._is_over(part, now_ns)]
        for part in over:
            self._gave_up = self._gave_up or (now_ns < part.until_ns and self.book.left_of(part) > 0)
            del self.book.slices[part.number]
            if self._slicing is not None:
                if self._is_stopped:
                    self._slicing.cancel()
                self._open(self._slicing.on_over(part.number, now_ns))
        return bool(over)

    def _may_send(self, part: OpenSlice) -> bool:
        return (
            not self._is_stopped
            and part.attempts < self._attempts
            and len(self.book.children) < self._bounds.children
            and self.book.left_of(part) > 0
        )

    def _is_over(self, part: OpenSlice, now_ns: int) -> bool:
        if any(not child.is_over for child in self.book.children_of(part)):
            return False
        return now_ns >= part.until_ns or not self._may_send(part)

    def _send(self, part: OpenSlice, now_ns: int) -> None:
        part.retry_at_ns = now_ns + self._bounds.pause_ns
        wanted = Wanted(
            order=self.mandate.order,
            quantity=self.book.left_of(part),
            shunned=frozenset(self.book.shunned),
            now_ns=now_ns,
        )
        parts = self._allot(wanted)[: self._bounds.children - len(self.book.children)]
        wrong = objection(wanted, parts)
        if wrong is not None:
            self._fault(FaultKind.BAD_PLAN, "", wrong)
            return
        if wanted.order.time_in_force is TimeInForce.FOK:
            parts = all_or_nothing(wanted, parts)
        attempt = part.attempts
        placed = [self._place(part, attempt, one, now_ns) for one in parts]
        self._out.extend(Submit(one.venue, one.order, one.post_only) for one in placed)

    def _place(self, part: OpenSlice, attempt: int, one: Allotted, now_ns: int) -> ChildPlaced:
        order = Order(
            client_order_id=self._ids(self.mandate.trade_id, len(self.book.children), attempt),
            symbol=self.mandate.order.symbol,
            side=self.mandate.order.side,
            type=OrderType.MARKET if one.limit_price is None else OrderType.LIMIT,
            quantity=one.quantity,
            limit_price=one.limit_price,
            time_in_force=one.time_in_force,
            expires_at_ns=part.until_ns if one.time_in_force is TimeInForce.GTD else None,
            created_at_ns=now_ns,
        )
        placed = ChildPlaced(self.mandate.trade_id, part.number, attempt, one.venue, order, one.post_only, now_ns)
        self._write(placed)
        return placed

    def _finish(self, now_ns: int) -> None:
        if self.book.slices or self.book.open_children:
            return
        waits = self._slicing is not None and not self._slicing.is_done
        if waits and not self._is_stopped and self.book.free > 0:
            return
        reason = finish_reason(
            self.book, is_over=now_ns >= self.stop_ns, is_recovered=self._slicing is None, gave_up=self._gave_up
        )
        self._write(TradeFinished(self.mandate.trade_id, reason, now_ns))
        self._out.append(Finished(self.mandate.trade_id, self.book.fills, reason, self.book.stamps))
