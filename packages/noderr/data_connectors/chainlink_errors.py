"""Errors of reading Chainlink's feeds.

ChainlinkError          names the feed, the value, and its limit
├── WrongFeed           what is at the address is not the feed that the settings describe
├── InvalidRound        a round that no honest feed has, or an older one than was seen
├── StalePrice          the feed has missed its heartbeat
├── SequencerDown       the chain's sequencer is down, or was until just now
└── PriceDeviates       the price is far from another source's
"""

from __future__ import annotations

from noderr.data_connectors.errors import DataConnectorError


class ChainlinkError(DataConnectorError):
    """There is no price: use another source, or do not trade until there is one."""

    def __init__(self, feed: str, what: str, value: object, limit: object) -> None:
        self.feed = feed
        self.value = value
        self.limit = limit
        super().__init__(f"{feed}: {what} is {value}, and it must be {limit}")


class WrongFeed(ChainlinkError):
    """Mend the feed's address or its decimals."""


class InvalidRound(ChainlinkError):
    """The node lies, lags behind another one, or the feed is not in use."""


class StalePrice(ChainlinkError):
    """Older than one and a half heartbeats."""


class SequencerDown(ChainlinkError):
    """Prices of a rollup count again once its sequencer has been up for the grace period."""


class PriceDeviates(ChainlinkError):
    """One of the two sources is wrong."""
