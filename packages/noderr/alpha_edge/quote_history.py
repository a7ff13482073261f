"""The best quotes of one stream of views, as far back as a forecast looks: exact differences, gaps marked."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from noderr.alpha_edge.answers import Reason
from noderr.alpha_edge.errors import NoForecastError, ViewError
from noderr.alpha_edge.order_flow import depth, order_flow
from noderr.types.trading.decimals import add
from noderr.types.trading.errors import InexactError
from noderr.types.trading.market_view import MarketView

_ZERO = Decimal(0)
MAX_QUOTES = 200_000


@dataclass(frozen=True, slots=True)
class Quote:
    """What one view added. Quotes of one `segment` follow each other without a gap.

    `twice_mid` is bid + ask, exact; the floats are for statistics: `spread` and `move` in quote currency, `flow` and
    `depth` in base, `imbalance` of the best sizes (bid - ask) / (bid + ask). `move` and `flow` are since the quote
    before in the segment, 0 for its first.
    """

    at_ns: int
    segment: int
    known: bool
    twice_mid: Decimal = _ZERO
    spread: float = 0.0
    imbalance: float = 0.0
    depth: float = 0.0
    flow: float = 0.0
    move: float = 0.0


class QuoteHistory:
    """Takes views one at a time."""

    def __init__(self, keep_ns: int, max_age_ns: int, levels: int) -> None:
        self._keep_ns = keep_ns
        self._max_age_ns = max_age_ns
        self._levels = levels
        self._quotes: deque[Quote] = deque(maxlen=MAX_QUOTES)
        self._view: MarketView | None = None

    @property
    def quotes(self) -> Sequence[Quote]:
        return self._quotes

    def fresh(self, at_ns: int, oldest_ns: int) -> Sequence[Quote]:
        """Those after `oldest_ns` and through `at_ns`, if the newest of them is known and not too old.

        Raises `NoForecastError`.
        """
        quotes = [quote for quote in self._quotes if oldest_ns < quote.at_ns <= at_ns]
        if not quotes:
            raise NoForecastError(Reason.LATE if self._quotes else Reason.NO_VIEW)
        age_ns = at_ns - quotes[-1].at_ns
        if age_ns > self._max_age_ns:
            raise NoForecastError(Reason.LATE, f"it is {age_ns // 1_000_000} ms old")
        if not quotes[-1].known:
            raise NoForecastError(Reason.BOOK_UNKNOWN)
        return quotes

    def add(self, view: MarketView) -> None:
        """Raises `ViewError`, and then the view is as if it had not come."""
        before = self._view
        if before is not None and view.received_ns < before.received_ns:
            raise ViewError(f"the view {view.sequence} is of {view.received_ns} ns: before {before.received_ns}")
        if before is not None and view.sequence == before.sequence:
            raise ViewError(f"the view {view.sequence} came before: each has a number of its own")
        try:
            quote = self._quote(before, view)
        except InexactError as error:
            raise ViewError(f"the view {view.sequence} has numbers that cannot be reckoned with: {error}") from error
        self._view = view
        self._quotes.append(quote)
        # The one that stood at the beginning of what is kept, too.
        while len(self._quotes) > 1 and self._quotes[1].at_ns <= view.received_ns - self._keep_ns:
            self._quotes.popleft()

    def _quote(self, before: MarketView | None, view: MarketView) -> Quote:
        last = self._quotes[-1] if self._quotes else None
        segment = 0 if last is None else last.segment
        if not _has_both_sides(view):
            return Quote(view.received_ns, segment + 1, known=False)
        bid, ask = view.bids[0], view.asks[0]
        flow = move = 0.0
        twice_mid = add(bid.price, ask.price)
        if before is not None and last is not None and last.known and self._follows(before, view):
            flow = float(order_flow(before, view, self._levels))
            move = float(add(twice_mid, last.twice_mid.copy_negate())) / 2
        else:
            segment += 1
        bid_size, ask_size = float(bid.size), float(ask.size)
        return Quote(
            view.received_ns,
            segment,
            known=True,
            twice_mid=twice_mid,
            spread=float(add(ask.price, bid.price.copy_negate())),
            imbalance=(bid_size - ask_size) / (bid_size + ask_size),
            depth=float(depth(view, self._levels)),
            flow=flow,
            move=move,
        )

    def _follows(self, before: MarketView, view: MarketView) -> bool:
        silence_ns = view.received_ns - before.received_ns
        return view.sequence == before.sequence + 1 and silence_ns <= self._max_age_ns


def _has_both_sides(view: MarketView) -> bool:
    return view.known and bool(view.bids) and bool(view.asks)
