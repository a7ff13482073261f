"""One approved trade, from its mandate to its last fill. No I/O, no clock: told what happened, it says what to do.

Filled, open and unknown together never exceed the order: a child's quantity is out from its record on, and comes back
only when the venue has said, with all fills at hand, that nothing more can come of it. An order of unknown fate is
asked for and never sent again; what takes its place has another id and goes out after that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from noderr.exchanges.updates import OrderUpdate, RejectReason, VenueOrder
from noderr.execution.actions import Action, FaultKind, Finished, SubmitResult, Write
from noderr.execution.allotment import Allot
from noderr.execution.bounds import TradeBounds
from noderr.execution.child_order import ChildOrder
from noderr.execution.errors import JournalError
from noderr.execution.finish import finish_reason
from noderr.execution.mandate import Mandate
from noderr.execution.order_tracker import Heard
from noderr.execution.placing import OrderIds
from noderr.execution.records import ChildEnded, FillKnown, Record, TradeFinished, TradeOpened
from noderr.execution.slice_work import SliceWork
from noderr.execution.slices import AtOnce, Slicing
from noderr.execution.trade_book import TradeBook
from noderr.execution.trade_output import TradeOutput
from noderr.market_data.events import Trade

_HARMLESS = (RejectReason.WOULD_TAKE, RejectReason.CANNOT_FILL)


class TradeMachine:
    """Every input returns what is to be done, in order. Time is this node's; it never goes back."""

    def __init__(self, opened: TradeOpened, allot: Allot, ids: OrderIds, bounds: TradeBounds) -> None:
        self.book = TradeBook(opened, bounds)
        self._opened = opened
        self._output = TradeOutput(self.book)
        self.stop_ns = max(opened.at_ns, self.mandate.deadline_ns - bounds.margin_ns)
        """From then on nothing is sent."""
        self._slices = SliceWork(self.book, self._output, allot, ids, bounds, stop_ns=self.stop_ns)
        self._now_ns = opened.at_ns

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
        return min(times + self._slices.times_ns(self._now_ns), default=None)

    def start(self, slicing: Slicing | None = None) -> list[Action]:
        """Once. Without a schedule the whole order is worked at once, until the deadline."""
        self._output.want(Write(self._opened))
        self._slices.start(slicing or AtOnce(self.mandate.order.quantity, self.stop_ns), self._now_ns)
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
        self._slices.on_trade(trade, self._now_ns)
        return self._go_on(trade.received_ns)

    def on_time(self, now_ns: int) -> list[Action]:
        """Time has passed."""
        return self._go_on(now_ns)

    def halt(self, why: str, now_ns: int) -> list[Action]:
        """Send nothing more, take what is out of the market back, and finish when all of it is settled."""
        self._output.halt(why, self._at(now_ns))
        return self._go_on(now_ns)

    def _at(self, now_ns: int) -> int:
        self._now_ns = max(self._now_ns, now_ns)
        return self._now_ns

    def _hear(self, child: ChildOrder, take: Callable[[], Heard], *, shuns: bool = False) -> None:
        trade_id, was_over = self.mandate.trade_id, child.is_over
        heard = take()
        for fill in heard.fills:
            self._output.write(FillKnown(trade_id, fill, self._now_ns))
            if not heard.faults:
                self._slices.on_fill(child.placed.slice, fill.quantity, self._now_ns)
        if child.is_over and not was_over:
            reason = child.tracker.rejected
            shuns = shuns or (reason is not None and reason not in _HARMLESS)
            self._output.write(ChildEnded(trade_id, child.id, child.tracker.state, child.why, shuns, self._now_ns))
        for kind, detail in heard.faults:
            self._output.fault(kind, child.id, detail, self._now_ns)

    def _go_on(self, now_ns: int) -> list[Action]:
        now_ns = self._at(now_ns)
        if self.book.finished is None:
            self._slices.work(now_ns)
            self._ask_and_cancel(now_ns)
            self._finish(now_ns)
        return self._output.take()

    def _ask_and_cancel(self, now_ns: int) -> None:
        for child in self.book.open_children:
            if self._slices.is_stopped(now_ns) or now_ns >= self.book.slices[child.placed.slice].until_ns:
                child.cancel(now_ns)
            self._output.want(*child.due(now_ns))
            if child.is_stuck_at(now_ns):
                detail = f"{child.placed.venue} has not said what became of it"
                self._output.fault(FaultKind.STUCK, child.id, detail, now_ns)

    def _finish(self, now_ns: int) -> None:
        if self.book.slices or self.book.open_children or self._slices.more_may_come(now_ns):
            return
        reason = finish_reason(
            self.book,
            is_over=now_ns >= self.stop_ns,
            is_recovered=self._slices.schedule is None,
            gave_up=self._slices.gave_up,
        )
        self._output.write(TradeFinished(self.mandate.trade_id, reason, now_ns))
        self._output.want(Finished(self.mandate.trade_id, self.book.fills, reason, self.book.stamps))
