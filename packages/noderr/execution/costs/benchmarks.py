"""The market's prices that an execution is measured against, from the record of one market; never across a gap.

Times are when this machine received what was recorded.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from noderr.execution.costs.figure import Insufficient, quotient
from noderr.execution.errors import CostError
from noderr.market_data.records import Known, Lost, Print, Quote, Record
from noderr.types.trading.decimals import add, multiply

_HALF = Decimal("0.5")
_FOR_EVER_NS = 1 << 63


class RecordedMarket:
    """The records of one market, ascending, as `MarketStore.read` gives them.

    `known_until_ns`: nothing that was received until then is missing at their end. What comes before the first `Known`
    counts as unknown, unless the caller says that all was known when the first record was written.
    """

    def __init__(self, records: Sequence[Record], known_until_ns: int, *, known_at_start: bool = False) -> None:
        """Raises `CostError` for records that do not ascend."""
        for before, after in pairwise(records):
            if after.received_ns < before.received_ns:
                raise CostError(f"a record of {after.received_ns} ns follows one of {before.received_ns} ns: sort them")
        self._stretches = [_Stretch(records[0].received_ns)] if records and known_at_start else []
        """The times without a gap."""
        self._quotes: list[tuple[Quote, _Stretch]] = []
        self._prints: list[Print] = []
        running = bool(self._stretches)
        for record in records:
            if isinstance(record, Known):
                if not running:
                    self._stretches.append(_Stretch(record.received_ns))
                running = True
            elif isinstance(record, Lost):
                running = False
                # What was found out only now: in every stretch all after that moment may be wrong.
                for stretch in self._stretches:
                    stretch.end_ns = min(stretch.end_ns, record.since_ns, record.received_ns)
            elif not running:
                continue  # Nobody vouches for it.
            elif isinstance(record, Quote):
                self._quotes.append((record, self._stretches[-1]))
            else:
                self._prints.append(record)
        if running:
            last = self._stretches[-1]
            last.end_ns = min(last.end_ns, max(known_until_ns, records[-1].received_ns))
        self._quote_times = [quote.received_ns for quote, _ in self._quotes]
        self._print_times = [record.received_ns for record in self._prints]

    def mid_at(self, at_ns: int) -> Decimal | Insufficient:
        """The middle of the quote that stood then."""
        stretch = self._stretch(at_ns, at_ns)
        if isinstance(stretch, Insufficient):
            return stretch
        number = bisect_right(self._quote_times, at_ns) - 1
        if number < 0 or self._quotes[number][1] is not stretch:
            return Insufficient(f"no quote was recorded between {stretch.begin_ns} and {at_ns} ns")
        quote, _ = self._quotes[number]
        if quote.bid is None or quote.ask is None:
            return Insufficient(f"at {at_ns} ns one side of the book was empty")
        return multiply(add(quote.bid, quote.ask), _HALF)

    def vwap(self, from_ns: int, to_ns: int) -> Decimal | Insufficient:
        """The mean price of what was traded from one moment through the other, by volume; ours is part of it."""
        if to_ns < from_ns:
            raise CostError(f"the interval ends at {to_ns} ns, before it begins at {from_ns} ns")
        stretch = self._stretch(from_ns, to_ns)
        if isinstance(stretch, Insufficient):
            return stretch
        turnover = volume = Decimal(0)
        first, end = bisect_left(self._print_times, from_ns), bisect_right(self._print_times, to_ns)
        for record in self._prints[first:end]:
            turnover = add(turnover, multiply(record.price, record.quantity))
            volume = add(volume, record.quantity)
        if not volume:
            return Insufficient(f"nothing was traded from {from_ns} to {to_ns} ns")
        return quotient(turnover, volume)

    def _stretch(self, from_ns: int, to_ns: int) -> _Stretch | Insufficient:
        """The last in which both moments lie."""
        for stretch in reversed(self._stretches):
            if stretch.begin_ns <= from_ns and to_ns <= stretch.end_ns:
                return stretch
        return Insufficient(f"the record of the market has a gap between {from_ns} and {to_ns} ns")


@dataclass(slots=True, eq=False)
class _Stretch:
    """From when through when nothing is missing; none where it ends before it begins."""

    begin_ns: int
    end_ns: int = _FOR_EVER_NS
