"""For tests and benchmarks: the rules of a matching engine written straight down, over one list of orders."""

from __future__ import annotations

from dataclasses import dataclass

from noderr.exchanges.matching_engine import NewOrder
from noderr.exchanges.updates import RejectReason
from noderr.types.trading import Instrument, Side, TimeInForce

type Trade = tuple[int, int, str, str]
"""Price, size, maker and taker."""


@dataclass
class Entry:
    """An order in the list."""

    new: NewOrder
    price: int
    left: int
    arrived: int


class NaiveBook:
    """Sorts all that it has anew for every order."""

    def __init__(self, _instrument: Instrument | None = None) -> None:
        self.entries: list[Entry] = []
        self.arrived = 0

    def submit(self, new: NewOrder, now_ns: int) -> tuple[list[Trade], int, int, RejectReason | None]:
        """Trades, what rests, what was canceled, and why it was refused."""
        if any(entry.new.order_id == new.order_id for entry in self.entries):
            return [], 0, 0, RejectReason.DUPLICATE_ID
        if new.expires_at_ns is not None and new.expires_at_ns <= now_ns:
            return [], 0, 0, RejectReason.TOO_LATE
        meeting = self._meeting(new)
        if new.post_only and meeting:
            return [], 0, 0, RejectReason.WOULD_TAKE
        before_own = []
        for entry in meeting:
            if entry.new.owner == new.owner:
                break
            before_own.append(entry)
        if new.time_in_force is TimeInForce.FOK and sum(entry.left for entry in before_own) < new.size:
            return [], 0, 0, RejectReason.CANNOT_FILL
        trades, left = [], new.size
        for entry in before_own:
            if size := min(left, entry.left):
                trades.append((entry.price, size, entry.new.order_id, new.order_id))
                entry.left -= size
                left -= size
        self.entries = [entry for entry in self.entries if entry.left]
        rests = new.price is not None and new.time_in_force in (TimeInForce.GTC, TimeInForce.GTD)
        if not rests or len(before_own) < len(meeting):
            return trades, 0, left, None
        if left:
            self.arrived += 1
            self.entries.append(Entry(new, new.price or 0, left, self.arrived))
        return trades, left, 0, None

    def reduce(self, order_id: str, size: int) -> int:
        """How many lots it was made smaller by."""
        taken = 0
        for entry in self.entries:
            if entry.new.order_id == order_id:
                taken = min(size, entry.left)
                entry.left -= taken
        self.entries = [entry for entry in self.entries if entry.left]
        return taken

    def cancel(self, order_id: str) -> int:
        """How many lots were left."""
        return self.reduce(order_id, self.left(order_id))

    def expire(self, now_ns: int) -> list[str]:
        """The ids of those that are over."""
        over = [e for e in self.entries if e.new.expires_at_ns is not None and e.new.expires_at_ns <= now_ns]
        self.entries = [entry for entry in self.entries if entry not in over]
        return [e.new.order_id for e in sorted(over, key=lambda e: (e.new.expires_at_ns or 0, e.arrived))]

    def left(self, order_id: str) -> int:
        """What of an order is in the list."""
        return sum(entry.left for entry in self.entries if entry.new.order_id == order_id)

    def levels(self, side: Side) -> list[tuple[int, int]]:
        """Price and size, the best first."""
        mine = [entry for entry in self.entries if entry.new.side is side]
        prices = sorted({entry.price for entry in mine}, reverse=side is Side.BUY)
        return [(price, sum(entry.left for entry in mine if entry.price == price)) for price in prices]

    def _meeting(self, new: NewOrder) -> list[Entry]:
        """Those of the other side that it may trade with, by price and then by time."""
        sign = new.side.sign
        others = [entry for entry in self.entries if entry.new.side is not new.side]
        meeting = [entry for entry in others if new.price is None or entry.price * sign <= new.price * sign]
        return sorted(meeting, key=lambda entry: (entry.price * sign, entry.arrived))
