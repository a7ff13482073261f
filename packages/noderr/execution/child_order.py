"""One child order of a trade: when its venue is to be asked about it, when it is to be canceled, when it is stuck."""

from __future__ import annotations

from collections.abc import Iterator

from noderr.exchanges.updates import CancelRejected, OrderUpdate, VenueOrder
from noderr.execution.actions import Cancel, Query, SubmitResult
from noderr.execution.bounds import TradeBounds
from noderr.execution.order_tracker import Heard, OrderTracker
from noderr.execution.records import ChildPlaced
from noderr.types.trading import TimeInForce

_NOT_THERE = Heard()


class ChildOrder:
    """While its submit is under way nothing is asked: an order that waits to be sent is not there yet."""

    def __init__(self, placed: ChildPlaced, bounds: TradeBounds) -> None:
        self.placed = placed
        self.id = placed.order.client_order_id
        self.tracker = OrderTracker(placed.order, placed.venue)
        self.why = ""
        """Why it is over, in words."""
        self._bounds = bounds
        self._is_leaving = True
        self._is_asking = False
        self._ask_at_ns: int | None = None
        self._cancel_at_ns: int | None = None
        self._unanswered = 0
        self._first_absent_ns: int | None = None
        self._word_ns = placed.at_ns
        self._is_stuck = False

    @property
    def is_over(self) -> bool:
        return self.tracker.is_over

    @property
    def next_time_ns(self) -> int | None:
        """When `due` or `is_stuck_at` may have something new; None when time alone changes nothing."""
        if self.is_over:
            return None
        times = [] if self._is_stuck else [self._word_ns + self._bounds.stuck_ns]
        if not self._is_leaving:
            times += [] if self._is_asking or self._ask_at_ns is None else [self._ask_at_ns]
            times += [] if self._cancel_at_ns is None else [self._cancel_at_ns]
        return min(times, default=None)

    def due(self, now_ns: int) -> Iterator[Query | Cancel]:
        """What is to be asked of the venue now."""
        if self.is_over or self._is_leaving:
            return
        if self._cancel_at_ns is not None and self._cancel_at_ns <= now_ns:
            self._cancel_at_ns = now_ns + self._bounds.silence_ns  # Again, until it is over.
            self.tracker.cancel_asked()
            self._ask_by(now_ns + self._bounds.ask_pause_ns)
            yield Cancel(self.placed.venue, self.id)
        if not self._is_asking and self._ask_at_ns is not None and self._ask_at_ns <= now_ns:
            self._is_asking = True
            if not self.tracker.is_known_there:
                self.tracker.lose_sight()
            yield Query(self.placed.venue, self.id, self.placed.order.symbol)

    def is_stuck_at(self, now_ns: int) -> bool:
        """True once: the venue has not said for too long what became of it."""
        stuck = not (self.is_over or self._is_stuck) and now_ns - self._word_ns >= self._bounds.stuck_ns
        self._is_stuck = self._is_stuck or stuck
        return stuck

    def recovered(self, now_ns: int) -> None:
        """The process that was to send it is gone: it may have been sent, so it is asked for."""
        self._is_leaving = False
        self._word_ns = now_ns
        self.tracker.lose_sight()
        self._ask_at_ns = now_ns

    def cancel(self, now_ns: int) -> None:
        """Get it out of the market as soon as it is known to have left."""
        if self._cancel_at_ns is None and not self.is_over:
            self._cancel_at_ns = now_ns

    def on_submit_result(self, result: SubmitResult, why: str, now_ns: int) -> None:
        """How the sending went."""
        if not self._is_leaving:
            return
        self._is_leaving = False
        if self.is_over:
            return
        match result:
            case SubmitResult.NOT_SENT if self.tracker.never_sent():
                self.why = why or "not sent"
            case SubmitResult.UNKNOWN:
                self.tracker.lose_sight()
        self._ask_when(now_ns)

    def on_update(self, update: OrderUpdate, now_ns: int) -> Heard:
        heard = self.tracker.on_update(update)
        if isinstance(update, CancelRejected) and not self.tracker.is_known_there:
            # No word of the order: where it is not, its cancels are refused too, and it stays to be asked for.
            return heard
        self._hear(now_ns)
        self.why = self.why or getattr(update, "detail", "")
        return heard

    def on_venue_order(self, said: VenueOrder | None, now_ns: int, *, is_certain: bool) -> Heard:
        """`is_certain`: the venue itself says that what is not there now will never be."""
        self._is_asking = False
        if said is None:
            self._on_absent(now_ns, is_certain=is_certain)
            return _NOT_THERE
        heard = self.tracker.on_venue_order(said)
        self._hear(now_ns, pause_ns=self._bounds.ask_pause_ns)
        return heard

    def on_query_failed(self, now_ns: int) -> None:
        """No answer: ask again, later each time; and cancel it unseen every few times."""
        self._is_asking = False
        if self.is_over:
            return
        self._unanswered += 1
        pause_ns = self._bounds.ask_pause_ns << min(self._unanswered - 1, 20)
        self._ask_at_ns = now_ns + min(pause_ns, self._bounds.ask_most_ns)
        if self._unanswered % self._bounds.cancel_after == 0:
            self.cancel(now_ns)

    def _on_absent(self, now_ns: int, *, is_certain: bool) -> None:
        if self.is_over:
            return
        if self.tracker.is_known_there:
            # It was there: this answer is wrong or late. If it stays so, the order is stuck, and people look.
            self.on_query_failed(now_ns)
            return
        self._unanswered = 0
        if self._first_absent_ns is None:
            self._first_absent_ns = now_ns
        elif now_ns - self._first_absent_ns >= self._bounds.absent_ns:
            is_certain = True
        if is_certain:
            self.why = "the venue does not have it and never had"
            self.tracker.never_sent()
        else:
            self._ask_at_ns = self._first_absent_ns + self._bounds.absent_ns

    def _hear(self, now_ns: int, *, pause_ns: int = 0) -> None:
        self._word_ns = now_ns
        self._is_stuck = False
        self._unanswered = 0
        self._first_absent_ns = None
        self._ask_when(now_ns, pause_ns)

    def _ask_when(self, now_ns: int, pause_ns: int = 0) -> None:
        self._ask_at_ns = now_ns + (pause_ns if self.tracker.must_ask else self._patience_ns())

    def _patience_ns(self) -> int:
        """An order that rests in the book may be silent for long."""
        rests = self.tracker.order.time_in_force in (TimeInForce.GTC, TimeInForce.GTD)
        return self._bounds.stuck_ns // 2 if rests and self.tracker.is_known_there else self._bounds.silence_ns

    def _ask_by(self, at_ns: int) -> None:
        if self._ask_at_ns is None or self._ask_at_ns > at_ns:
            self._ask_at_ns = at_ns
