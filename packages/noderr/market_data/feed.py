"""What a source of market events is to this package, and the names of markets in settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Protocol

from noderr.market_data.errors import FeedNameError
from noderr.market_data.events import MarketEvent
from noderr.market_data.live_market import MarketName

_FEED = re.compile(r"([a-z][a-z0-9]{1,31}):([A-Z0-9]{2,12}/[A-Z0-9]{2,12})", re.ASCII)
MOST_FEEDS = 64


class Feed(Protocol):
    """Markets of one venue, over one connection."""

    @property
    def markets(self) -> Sequence[MarketName]: ...

    async def run(self, take: Callable[[MarketEvent], None]) -> None:
        """Hand over events until cancelled; connections that fail are made anew, and leave a `Gap`."""

    def heard_ns(self) -> int | None:
        """When the last frame came on the connection that is open, in ns UTC; None when there is none."""

    def refused(self) -> Sequence[str]:
        """What the venue refuses for good, such as a market that it has not, in words."""


def parse_feeds(text: str) -> tuple[MarketName, ...]:
    """The markets of "kraken:BTC/USD,binance:BTC/USDT". Raises `FeedNameError`."""
    names = []
    for part in filter(None, map(str.strip, text.split(","))):
        match = _FEED.fullmatch(part)
        if match is None:
            raise FeedNameError(f"{part[:80]!r} is no feed: write <venue>:<BASE>/<QUOTE>, such as kraken:BTC/USD")
        names.append(MarketName(match[1], match[2]))
    if len(set(names)) != len(names):
        raise FeedNameError(f"{text[:200]!r} names a feed twice: name each once")
    if len(names) > MOST_FEEDS:
        raise FeedNameError(f"{len(names)} feeds are named: at most {MOST_FEEDS} fit a node")
    return tuple(names)
