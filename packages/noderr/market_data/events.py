"""What is known of a market, as it happens. Times in ns UTC: the venue's, and when it reached this machine."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from noderr.market_data.order_book import Level
from noderr.market_data.units import Scale


class BookSnapshot(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A whole book, checked as its venue says; the best levels first. `sequence` is the venue's own, if it has one."""

    venue: str
    symbol: str
    scale: Scale
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    sequence: int | None
    event_ns: int | None
    received_ns: int


class BookDelta(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """New sizes at prices, 0 for none, to be applied in order to the book that came before."""

    venue: str
    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    sequence: int | None
    event_ns: int | None
    received_ns: int


class Trade(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """`price` in quote per base, `quantity` in base; `taker` is the side of who came last."""

    venue: str
    symbol: str
    price: Decimal
    quantity: Decimal
    taker: Literal["buy", "sell"]
    trade_id: str | None
    event_ns: int
    received_ns: int


class Gap(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Until the next snapshot nobody knows the book, and trades may be missing.

    `received_ns` is when the last came that was surely right: what was told since then may be wrong.
    """

    venue: str
    symbol: str
    reason: str
    received_ns: int


class Duplicate(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What was known already, and changed nothing."""

    venue: str
    symbol: str
    received_ns: int


type MarketEvent = BookSnapshot | BookDelta | Trade | Gap | Duplicate
