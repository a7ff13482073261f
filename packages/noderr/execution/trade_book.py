"""What is known of one trade: its children and slices, and how much of the order is filled, out, or left. No decisions.

It is what its records say: the machine adds each record as it writes it, and a restart adds them all again.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from noderr.exchanges.updates import Filled
from noderr.execution.actions import Stamps
from noderr.execution.bounds import TradeBounds
from noderr.execution.child_order import ChildOrder
from noderr.execution.errors import JournalError
from noderr.execution.records import (
    ChildEnded,
    ChildPlaced,
    FillKnown,
    FinishReason,
    Record,
    SliceOpened,
    TradeFinished,
    TradeHalted,
    TradeOpened,
)
from noderr.execution.slices import OpenSlice
from noderr.types.trading import Fill
from noderr.types.trading.decimals import add

_ZERO = Decimal(0)


class TradeBook:
    """`slices` are those that are not over; what of them is not filled is back in the order then."""

    def __init__(self, opened: TradeOpened, bounds: TradeBounds) -> None:
        self.mandate = opened.mandate
        self.children: dict[str, ChildOrder] = {}
        self.slices: dict[int, OpenSlice] = {}
        self.shunned: set[str] = set()
        self.halted: str | None = None
        self.finished: FinishReason | None = None
        self.opened_slices = 0
        self._bounds = bounds
        self._approved_ns = opened.at_ns
        self._first_fill_ns: int | None = None
        self._finished_ns = 0

    @property
    def fills(self) -> tuple[Fill, ...]:
        """All that any venue made."""
        return tuple(fill for child in self.children.values() for fill in child.tracker.fills.values())

    @property
    def filled(self) -> Decimal:
        return _total(child.tracker.filled for child in self.children.values())

    @property
    def working(self) -> Decimal:
        """What venues may still fill, orders of unknown fate included."""
        return _total(child.tracker.working for child in self.children.values())

    @property
    def free(self) -> Decimal:
        """What of the order is neither filled nor out: never more than this is sent. Below 0 after an overfill."""
        return add(self.mandate.order.quantity, -add(self.filled, self.working))

    @property
    def open_children(self) -> list[ChildOrder]:
        return [child for child in self.children.values() if not child.is_over]

    @property
    def stamps(self) -> Stamps:
        first = next(iter(self.children.values()), None)
        return Stamps(
            approved_ns=self._approved_ns,
            first_submit_ns=None if first is None else first.placed.at_ns,
            first_fill_ns=self._first_fill_ns,
            finished_ns=self._finished_ns,
        )

    def children_of(self, part: OpenSlice) -> list[ChildOrder]:
        return [child for child in self.children.values() if child.placed.slice == part.number]

    def left_of(self, part: OpenSlice) -> Decimal:
        """What of the slice is neither filled nor out, and free in the order."""
        left = part.quantity
        for child in self.children_of(part):
            left = add(left, -add(child.tracker.filled, child.tracker.working))
        return max(_ZERO, min(left, self.free))

    def add(self, record: Record) -> None:
        """Raises `JournalError` for what cannot follow on what is known."""
        match record:
            case TradeOpened():
                raise JournalError(f"trade {record.trade_id.hex()} was opened twice")
            case SliceOpened(number=number, quantity=quantity, until_ns=until_ns):
                self.opened_slices = max(self.opened_slices, number)
                self.slices[number] = OpenSlice(number, quantity, until_ns)
            case ChildPlaced(slice=number, attempt=attempt, order=order):
                if order.client_order_id in self.children:
                    raise JournalError(f"order {order.client_order_id} was placed twice")
                if number in self.slices:
                    self.slices[number].attempts = attempt + 1
                self.children[order.client_order_id] = ChildOrder(record, self._bounds)
            case FillKnown(fill=fill, at_ns=at_ns):
                # Nothing new where the venue's word has just told the child.
                self._child(fill.client_order_id).tracker.on_update(Filled(fill=fill))
                self._first_fill_ns = self._first_fill_ns or at_ns
            case ChildEnded(client_order_id=name, state=state, shuns=shuns):
                child = self._child(name)
                child.tracker.end(state)
                if shuns:
                    self.shunned.add(child.placed.venue)
            case TradeHalted(why=why):
                self.halted = why
            case TradeFinished(reason=reason, at_ns=at_ns):
                self.finished = reason
                self._finished_ns = at_ns

    def _child(self, client_order_id: str) -> ChildOrder:
        child = self.children.get(client_order_id)
        if child is None:
            raise JournalError(f"order {client_order_id} was never placed, and something became of it")
        return child


def _total(quantities: Iterator[Decimal]) -> Decimal:
    total = _ZERO
    for quantity in quantities:
        total = add(total, quantity)
    return total
