"""Errors of `noderr.market_data`.

MarketDataError
├── UnitsError        a text that is no price or size, or has more digits than are counted
├── BookError         a level or a depth that no book has
├── BarError          a step or a trade of which no bar can be made
│   └── LateTradeError  its bar is closed and told already
├── StoreGapError     a record is missing, twice, or does not follow the one before
├── StoreOrderError   a record is earlier than the one before
└── FeedNameError     a text that names no feed
"""

from __future__ import annotations


class MarketDataError(Exception):
    """Any error of this package. Its text names what is wrong, the value, and the remedy."""


class UnitsError(MarketDataError, ValueError):
    """No plain decimal number, or finer than the digits that are counted."""


class BookError(MarketDataError, ValueError):
    """A price that is not positive, a negative size, an impossible depth."""


class BarError(MarketDataError, ValueError):
    """An impossible step, or a trade before all bars."""


class LateTradeError(BarError):
    """A trade that happened in a bar which is closed already: the bar stays as it was told."""


class StoreGapError(MarketDataError):
    """`expected` is the number that should have come; nothing was written, or what is on the disk is not whole."""

    def __init__(self, market: str, expected: int, got: int) -> None:
        self.market = market
        self.expected = expected
        self.got = got
        super().__init__(
            f"{market}: record {expected} comes next, not {got}: hand in each once and in order; if it is on the disk, "
            f"the file was changed by somebody else"
        )


class StoreOrderError(MarketDataError):
    """The machine's clock was set back: the record tells one story in order of time, and goes on when it is passed."""


class FeedNameError(MarketDataError, ValueError):
    """Not <venue>:<BASE>/<QUOTE>, or a venue that nobody connects to."""
