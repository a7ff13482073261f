"""A view of a market: what a validator tells others of one symbol at one venue at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from noderr.types.trading.checks import check_id, check_integer, check_number, check_symbol, check_time
from noderr.types.trading.errors import FieldError
from noderr.types.trading.order import Side

MAX_LEVELS = 10
"""Of each side of the book."""

MAX_TRADES = 1_000
"""Of one view; whoever has seen more tells an earlier view of them."""

_MAX_U64 = (1 << 64) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLevel:
    """What rests in the book at a price: `price` is quote per base, `size` in base, both positive."""

    price: Decimal
    size: Decimal

    def __post_init__(self) -> None:
        check_number(self, "price", self.price, above=0)
        check_number(self, "size", self.size, above=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradePrint:
    """A trade that the venue told of; `taker` is the side of who came last, `at_ns` the venue's time."""

    price: Decimal
    quantity: Decimal
    taker: Side
    at_ns: int

    def __post_init__(self) -> None:
        check_number(self, "price", self.price, above=0)
        check_number(self, "quantity", self.quantity, above=0)
        check_time(self, "at_ns", self.at_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """The best levels of a book, best first, and the trades since the view before, as they came.

    `received_ns` is the validator's time of what it knows last. `sequence` counts this validator's views of this market
    from 1 on, without gaps: where one is missing, so are its trades. `known` is False while the validator does not know
    the book, which then has no levels; a known book may lack a side.
    """

    venue: str
    symbol: str
    received_ns: int
    sequence: int
    bids: tuple[PriceLevel, ...]
    asks: tuple[PriceLevel, ...]
    trades: tuple[TradePrint, ...]
    known: bool

    def __post_init__(self) -> None:
        check_id(self, "venue", self.venue)
        check_symbol(self, "symbol", self.symbol)
        check_time(self, "received_ns", self.received_ns)
        check_integer(self, "sequence", self.sequence, 1, _MAX_U64)
        if not isinstance(self.known, bool):
            raise FieldError("MarketView", "known", self.known, "True or False")
        _check_ordered("bids", [level.price.copy_negate() for level in self.bids])
        _check_ordered("asks", [level.price for level in self.asks])
        if len(self.trades) > MAX_TRADES:
            raise FieldError("MarketView", "trades", len(self.trades), f"at most {MAX_TRADES} trades")
        if not self.known and (self.bids or self.asks):
            raise FieldError("MarketView", "known", False, "alone: a book that is not known has no levels")
        if self.bids and self.asks and self.bids[0].price >= self.asks[0].price:
            raise FieldError("MarketView", "bids", self.bids[0].price, f"below the best ask {self.asks[0].price}")


def _check_ordered(field: str, badness: Sequence[Decimal]) -> None:
    if len(badness) > MAX_LEVELS:
        raise FieldError("MarketView", field, len(badness), f"at most {MAX_LEVELS} levels")
    for better, worse in pairwise(badness):
        if better >= worse:
            raise FieldError("MarketView", field, worse.copy_abs(), "one level a price, the best first")
