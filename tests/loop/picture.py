"""What a picture of a replay shows, drawn by whatever: prices, decisions, orders, fills and what was earned, by time.

Numbers here are for eyes, so they are floats: seconds since the first frame, prices, and money.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tests.loop.journal import Entry, ReplayJournal
from tests.loop.quote_tape import Best

_SECOND_NS = 1_000_000_000
_UNKNOWN = math.nan


@dataclass(frozen=True, slots=True)
class Quoted:
    """Best prices from a time on; not a number where nobody knew them."""

    at_s: float
    bid: float
    ask: float


@dataclass(frozen=True, slots=True)
class Decision:
    """What the oracles agreed on: `direction` is BUY, SELL, HOLD, or empty for no signal."""

    at_s: float
    direction: str
    confidence: float
    """From 0.5 to 1."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A trade that was proposed, and what came of it."""

    at_s: float
    approved: bool


@dataclass(frozen=True, slots=True)
class Traded:
    """An order at its limit, or a fill at its price. `is_buy` is its side."""

    at_s: float
    price: float
    is_buy: bool


@dataclass(frozen=True)
class MarketPicture:
    """One symbol."""

    symbol: str
    quotes: Sequence[Quoted]
    decisions: Sequence[Decision]
    asked: Sequence[Asked]
    orders: Sequence[Traded]
    fills: Sequence[Traded]


@dataclass(frozen=True)
class Picture:
    """`earned` is equity less what the account opened with, `fees` what was paid so far: each (seconds, money)."""

    currency: str
    seconds: float
    markets: Sequence[MarketPicture]
    earned: Sequence[tuple[float, float]]
    fees: Sequence[tuple[float, float]]


def picture_of(
    journal: ReplayJournal, tape: Mapping[str, Sequence[Best]], currency: str, begin_ns: int, end_ns: int
) -> Picture:
    """`tape` has the best prices by symbol; the picture goes from the first frame to the last that happened."""

    def seconds(at_ns: int) -> float:
        return (at_ns - begin_ns) / _SECOND_NS

    until_ns = max([end_ns, *(entry.at_ns for entry in journal.entries)])
    orders = {entry.facts["order"]: entry for entry in journal.of("order")}
    symbols = {entry.facts["trade"]: entry.facts["symbol"] for entry in journal.of("proposed")}
    approved = {entry.facts["trade"] for entry in journal.of("approved")}
    agreed: dict[tuple[object, object], Entry] = {}
    for entry in journal.of("agreed"):
        agreed.setdefault((entry.facts["symbol"], entry.facts["round"]), entry)
    markets = [
        MarketPicture(
            symbol,
            [
                Quoted(seconds(at_ns), _number(one.bid), _number(one.ask))
                # The last prices stood until the recording ended.
                for at_ns, one in [*((one.at_ns, one) for one in row), *((end_ns, one) for one in row[-1:])]
            ],
            [
                Decision(
                    seconds(entry.at_ns),
                    str(entry.facts["direction"] or ""),
                    _number(entry.facts["confidence_bps"]) / 10_000,
                )
                for (of, _), entry in agreed.items()
                if of == symbol
            ],
            [
                Asked(seconds(entry.at_ns), entry.facts["trade"] in approved)
                for entry in journal.of("proposed")
                if symbols[entry.facts["trade"]] == symbol
            ],
            [
                Traded(seconds(one.at_ns), _number(one.facts["limit_price"]), one.facts["side"] == "buy")
                for one in orders.values()
                if one.facts["symbol"] == symbol
            ],
            [
                Traded(
                    seconds(int(str(one.facts["traded_ns"]))),
                    _number(one.facts["price"]),
                    orders[one.facts["order"]].facts["side"] == "buy",
                )
                for one in journal.of("fill")
                if orders[one.facts["order"]].facts["symbol"] == symbol
            ],
        )
        for symbol, row in sorted(tape.items())
    ]
    points = list(_account(journal, tape, orders))
    ends = (seconds(until_ns), *((points[-1][1], points[-1][2]) if points else (Decimal(0), Decimal(0))))
    walked = [(0.0, Decimal(0), Decimal(0)), *((seconds(at), earned, fees) for at, earned, fees in points), ends]
    return Picture(
        currency,
        seconds(until_ns),
        markets,
        [(at, float(earned)) for at, earned, _ in walked],
        [(at, float(fees)) for at, _, fees in walked],
    )


def _account(
    journal: ReplayJournal, tape: Mapping[str, Sequence[Best]], orders: Mapping[object, Entry]
) -> Iterator[tuple[int, Decimal, Decimal]]:
    """Time, what was earned at mid prices, and fees paid: after each fill, and each change of what is held."""
    held: dict[str, Decimal] = {}
    mids: dict[str, Decimal] = {}
    cash = fees = Decimal(0)
    prices = [[(one.at_ns, 0, symbol, one.mid) for one in row] for symbol, row in sorted(tape.items())]
    fills = [(int(str(one.facts["traded_ns"])), 1, one, None) for one in journal.of("fill")]
    for at_ns, _, what, mid in heapq.merge(*prices, fills, key=lambda one: one[:2]):
        if isinstance(what, Entry):
            facts, order = what.facts, orders[what.facts["order"]].facts
            symbol, quantity, price, fee = str(order["symbol"]), facts["quantity"], facts["price"], facts["fee"]
            assert isinstance(quantity, Decimal)
            assert isinstance(price, Decimal)
            assert isinstance(fee, Decimal)
            signed = quantity if order["side"] == "buy" else -quantity
            held[symbol] = held.get(symbol, Decimal(0)) + signed
            cash -= signed * price + fee
            fees += fee
        else:
            symbol = str(what)
            if mid is None:
                continue
            mids[symbol] = mid
        if isinstance(what, Entry) or held.get(symbol):
            yield at_ns, cash + sum((mids[one] * many for one, many in held.items() if many), Decimal(0)), fees


def _number(value: object) -> float:
    """Not a number for what is not there."""
    if value is None:
        return _UNKNOWN
    assert isinstance(value, Decimal | int)
    return float(value)
