"""For tests: venues that lose, delay and repeat words, and one trade run against them, killed wherever one likes."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Sequence
from decimal import Decimal

from noderr.core.consensus.testing import NOW_NS, SECOND_NS
from noderr.exchanges.updates import Accepted, Canceled, Filled, OrderUpdate, Rejected, RejectReason
from noderr.execution.actions import Action, Cancel, Fault, Finished, Query, Submit, SubmitResult, Write
from noderr.execution.machine_testing import BOUNDS, MANDATE, AtVenue, fill_of, halves, ids
from noderr.execution.records import Record, decode_record, encode_record
from noderr.execution.trade_machine import TradeMachine
from noderr.types.trading import Order, OrderState

_MS = 1_000_000


class Crash(Exception):
    """The process is killed here."""


class Run:
    """One trade and its venues. `fate` decides what becomes of each request; everything follows from its seed."""

    def __init__(self, fate: random.Random, *, crash_after: Sequence[int] = (), honest: bool = False) -> None:
        self.fate = fate
        self.honest = honest
        self.now_ns = NOW_NS
        self.disk: list[bytes] = []
        self.at_venue: dict[str, AtVenue] = {}
        self.arrived: list[str] = []
        self.submitted: list[str] = []
        self.finished: Finished | None = None
        self.faults: list[Fault] = []
        self.done = 0
        self._crashes = sorted(crash_after)
        self._count = itertools.count()
        self._at_us: list[tuple[int, int, Callable[[], None]]] = []
        """What reaches this process: all of it is lost in a crash."""
        self._on_way: list[tuple[int, int, Callable[[], None]]] = []
        """What has left and reaches a venue, crash or not."""
        self.machine = TradeMachine.of(MANDATE, halves, ids, BOUNDS, now_ns=NOW_NS)

    def run(self) -> Run:
        """Until the trade is finished; a few hundred events at most."""
        self._guarded(self.machine.start)
        for _ in range(3000):
            if self.finished is not None:
                return self
            self._step()
        raise AssertionError(f"it never ended: {self.machine.book.children}")

    def _step(self) -> None:
        time_ns = self.machine.next_time_ns
        due = [queue[0][0] for queue in (self._at_us, self._on_way) if queue]
        due += [] if time_ns is None else [time_ns]
        self.now_ns = max(self.now_ns, min(due))
        for queue in (self._on_way, self._at_us):
            if queue and queue[0][0] <= self.now_ns:
                heapq.heappop(queue)[2]()
                return
        self._guarded(lambda: self.machine.on_time(self.now_ns))

    def _guarded(self, step: Callable[[], list[Action]]) -> None:
        try:
            for action in step():
                if self._crashes and self.done == self._crashes[0]:
                    raise Crash
                self._do(action)
                self.done += 1
        except Crash:
            self._crashes.pop(0)
            self._restart()

    def _restart(self) -> None:
        self._at_us.clear()
        self.now_ns += 0 if self.honest else self.fate.randrange(4 * SECOND_NS)
        records: list[Record] = [decode_record(data) for data in self.disk]
        if not records:
            # The opening was never written: nothing can have been sent, and the trade is begun anew.
            self.machine = TradeMachine.of(MANDATE, halves, ids, BOUNDS, now_ns=self.now_ns)
            self._guarded(self.machine.start)
            return
        self.machine = TradeMachine.recovered(records, halves, ids, BOUNDS)
        book = self.machine.book
        if book.finished is not None:
            self.finished = Finished(MANDATE.trade_id, book.fills, book.finished, book.stamps)
            return
        self._guarded(lambda: self.machine.resume(self.now_ns))

    def _do(self, action: Action) -> None:
        match action:
            case Write(record):
                self.disk.append(encode_record(record))
            case Submit(venue, order):
                self._submit(venue, order)
            case Cancel(venue, name):
                self._later(self._on_way, lambda: self._cancel(name), 500)
            case Query(venue, name):
                self._later(self._on_way, lambda: self._answer(name), 800)
            case Finished():
                self.finished = action
            case Fault():
                self.faults.append(action)

    def _submit(self, venue: str, order: Order) -> None:
        self.submitted.append(order.client_order_id)
        name = order.client_order_id
        fate = "sent" if self.honest else self.fate.choice(["sent"] * 4 + ["unknown", "lost", "not sent"])
        if fate in ("sent", "unknown"):
            # Later than the process that sent it may live, and sooner than two absences are believed.
            self._later(self._on_way, lambda: self._arrive(venue, order), 50 if fate == "sent" else 4500)
        result = {"sent": SubmitResult.SENT, "not sent": SubmitResult.NOT_SENT}.get(fate, SubmitResult.UNKNOWN)
        self._later(
            self._at_us, lambda: self._guarded(lambda: self.machine.on_submit_result(name, result, self.now_ns)), 1000
        )

    def _arrive(self, venue: str, order: Order) -> None:
        self.arrived.append(order.client_order_id)
        kind = "all" if self.honest else self.fate.choice(["all", "half", "none", "reject"])
        if kind == "reject":
            reason = self.fate.choice([RejectReason.NO_MARKET, RejectReason.WOULD_TAKE])
            self.at_venue[order.client_order_id] = AtVenue(order, venue, OrderState.REJECTED)
            self._tell(Rejected(client_order_id=order.client_order_id, reason=reason, detail="no", at_ns=self.now_ns))
            return
        parts = {"all": [order.quantity], "half": [order.quantity / 2], "none": []}[kind]
        if kind == "all" and order.quantity > Decimal("0.02"):
            parts = [order.quantity - Decimal("0.01"), Decimal("0.01")]
        fills = tuple(fill_of(order, venue, part, number, self.now_ns) for number, part in enumerate(parts))
        state = OrderState.FILLED if kind == "all" else OrderState.CANCELED
        self.at_venue[order.client_order_id] = AtVenue(order, venue, state, fills)
        self._tell(
            Accepted(client_order_id=order.client_order_id, venue_order_id="v", at_ns=self.now_ns),
            *(Filled(fill=fill) for fill in fills),
            *([Canceled(client_order_id=order.client_order_id, at_ns=self.now_ns)] if kind != "all" else []),
        )

    def _tell(self, *updates: OrderUpdate) -> None:
        """In any order, late, twice, or never."""
        for update in updates:
            for _ in range(1 if self.honest else self.fate.choice([0, 1, 1, 1, 2])):
                self._later(
                    self._at_us,
                    lambda update=update: self._guarded(lambda: self.machine.on_update(update, self.now_ns)),  # type: ignore[misc]
                    10 if self.honest else 3000,
                )

    def _answer(self, name: str) -> None:
        if not self.honest and self.fate.random() < 0.3:
            step = lambda: self.machine.on_query_failed(name, self.now_ns)  # noqa: E731
        else:
            known = self.at_venue.get(name)
            said = None if known is None else known.said(self.now_ns)
            step = lambda: self.machine.on_venue_order(name, said, self.now_ns)  # noqa: E731
        self._later(self._at_us, lambda: self._guarded(step), 300)

    def _cancel(self, name: str) -> None:
        """Nothing rests here: all orders are IOC, and over before a cancel reaches them."""

    def _later(self, queue: list[tuple[int, int, Callable[[], None]]], what: Callable[[], None], most_ms: int) -> None:
        wait_ns = 1 if self.honest else self.fate.randrange(most_ms * _MS)
        heapq.heappush(queue, (self.now_ns + wait_ns, next(self._count), what))
