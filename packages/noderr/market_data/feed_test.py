from __future__ import annotations

import pytest

from noderr.market_data.errors import FeedNameError
from noderr.market_data.feed import parse_feeds
from noderr.market_data.live_market import MarketName


def test_feeds_are_read_from_the_setting() -> None:
    assert parse_feeds("") == ()
    assert parse_feeds(" kraken:BTC/USD, binance:BTC/USDT ,") == (
        MarketName("kraken", "BTC/USD"),
        MarketName("binance", "BTC/USDT"),
    )
    assert str(MarketName("kraken", "BTC/USD")) == "kraken:BTC/USD"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("kraken", "is no feed"),
        ("kraken:BTCUSD", "is no feed"),
        ("Kraken:BTC/USD", "is no feed"),
        ("kraken:btc/usd", "is no feed"),
        ("kraken:BTC/USD;binance:BTC/USDT", "is no feed"),
        ("kraken:BTC/USD,kraken:BTC/USD", "twice"),
        (",".join(f"kraken:A{number}/USD" for number in range(65)), "65 feeds"),
    ],
)
def test_what_is_no_feed_is_refused(text: str, problem: str) -> None:
    with pytest.raises(FeedNameError, match=problem):
        parse_feeds(text)
