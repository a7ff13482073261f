"""Where an order of ours stands in the queue at its price, of which a feed tells only the size.

The cautious model: all that was there is ahead of us, trades at our price take away from the front, and whoever cancels
stood behind us as long as that is possible (in hftbacktest: RiskAdverseQueueModel). What differs: a level that shrinks
before the trade is told that did it must not count twice.
"""

from __future__ import annotations

from decimal import Decimal

from noderr.types.trading.decimals import add

TRADE_LATE_NS = 1_000_000_000
"""How much later than the level the trade may be told that made it smaller: books and trades are two channels."""
_ZERO = Decimal(0)


class QueuePosition:
    """`ahead` is the size in front of us, in base; None while nobody knows it, and then no trade reaches us."""

    __slots__ = ("_shrunk", "_shrunk_ns", "ahead")

    def __init__(self) -> None:
        self.ahead: Decimal | None = None
        self._shrunk = _ZERO
        self._shrunk_ns = 0

    def on_level(self, size: Decimal, now_ns: int) -> None:
        """The venue says that so much is at our price, without us: no more than that is ahead of us."""
        if self.ahead is None:
            self.ahead = size
        elif size < self.ahead:
            self._shrunk = add(self._pending(now_ns), add(self.ahead, -size))
            self._shrunk_ns = now_ns
            self.ahead = size

    def on_trade(self, quantity: Decimal, now_ns: int) -> Decimal:
        """So much was traded at our price: how much of it reached us."""
        if self.ahead is None:
            return _ZERO
        pending = self._pending(now_ns)
        seen = min(quantity, pending)
        self._shrunk = add(pending, -seen)
        left = add(quantity, -seen)
        passed = min(left, self.ahead)
        self.ahead = add(self.ahead, -passed)
        return add(left, -passed)

    def on_trade_through(self) -> None:
        """A worse price than ours was traded: nobody is ahead of us any more."""
        self.ahead = _ZERO
        self._shrunk = _ZERO

    def _pending(self, now_ns: int) -> Decimal:
        """What the level shrank by, of which no trade was told yet."""
        return self._shrunk if now_ns - self._shrunk_ns <= TRADE_LATE_NS else _ZERO
