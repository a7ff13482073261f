"""The market's prices that an execution is measured against, from the record of one market; never across a gap.

Times are when this machine received what was recorded.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from noderr.execution.costs.figure import Insufficient, quotient
from noderr.execution.errors import CostError
from noderr.market_data.records import Known, Lost, Print, Quote, Record
from noderr.types.trading.decimals import add, multiply

_HALF = Decimal("0.5")


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
        self._quotes = [record for record in records if isinstance(record, Quote)]
        self._prints = [record for record in records if isinstance(record, Print)]
        self._quote_times = [record.received_ns for record in self._quotes]
        self._print_times = [record.received_ns for record in self._prints]
        self._known = _known_times(records, known_until_ns, known_at_start)

    def mid_at(self, at_ns: int) -> Decimal | Insufficient:
        """The middle of the quote that stood then."""
        from_ns = self._known_from(at_ns, at_ns)
        if isinstance(from_ns, Insufficient):
            return from_ns
        number = bisect_right(self._quote_times, at_ns) - 1
        if number < 0 or self._quote_times[number] < from_ns:
            return Insufficient(f"no quote was recorded between {from_ns} and {at_ns} ns")
        quote = self._quotes[number]
        if quote.bid is None or quote.ask is None:
            return Insufficient(f"at {at_ns} ns one side of the book was empty")
        return multiply(add(quote.bid, quote.ask), _HALF)

    def vwap(self, from_ns: int, to_ns: int) -> Decimal | Insufficient:
        """The mean price of what was traded from one moment through the other, by volume; ours is part of it."""
        if to_ns < from_ns:
            raise CostError(f"the interval ends at {to_ns} ns, before it begins at {from_ns} ns")
        known = self._known_from(from_ns, to_ns)
        if isinstance(known, Insufficient):
            return known
        turnover = volume = Decimal(0)
        first, end = bisect_left(self._print_times, from_ns), bisect_right(self._print_times, to_ns)
        for record in self._prints[first:end]:
            turnover = add(turnover, multiply(record.price, record.quantity))
            volume = add(volume, record.quantity)
        if not volume:
            return Insufficient(f"nothing was traded from {from_ns} to {to_ns} ns")
        return quotient(turnover, volume)

    def _known_from(self, from_ns: int, to_ns: int) -> int | Insufficient:
        """Since when all is known, where it is without a gap from one moment through the other."""
        for begin_ns, end_ns in self._known:
            if begin_ns <= from_ns and to_ns <= end_ns:
                return begin_ns
        return Insufficient(f"the record of the market has a gap between {from_ns} and {to_ns} ns")


def _known_times(records: Sequence[Record], known_until_ns: int, known_at_start: bool) -> list[tuple[int, int]]:
    """From when through when nothing is missing."""
    known: list[tuple[int, int]] = []
    since_ns = records[0].received_ns if records and known_at_start else None
    for record in records:
        if isinstance(record, Known):
            # A second one without a loss in between changes nothing.
            since_ns = record.received_ns if since_ns is None else since_ns
        elif isinstance(record, Lost):
            if since_ns is not None:
                known.append((since_ns, record.received_ns))
            # What was found out only now: all after that moment may be wrong.
            known = [(begin, min(end, record.since_ns)) for begin, end in known if begin <= record.since_ns]
            since_ns = None
    if since_ns is not None:
        known.append((since_ns, max(known_until_ns, records[-1].received_ns)))
    return known
