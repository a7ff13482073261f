"""The setting's text names markets, or is refused with what is wrong and how it is right."""

from __future__ import annotations

import pytest

from noderr.alpha_edge.errors import ParameterError
from noderr.alpha_edge.models import models_for
from noderr.alpha_edge.watched_market import LONGEST_SECONDS, WatchedMarket, parse_markets


def test_venues_of_one_symbol_and_horizon_are_one_market() -> None:
    text = "kraken:BTC/USD@300, binance:BTC/USD@300,kraken:BTC/USD@60,kraken:ETH/USD@300,"
    markets = parse_markets(text)
    assert markets == (
        WatchedMarket("BTC/USD", 300, ("binance", "kraken")),
        WatchedMarket("BTC/USD", 60, ("kraken",)),
        WatchedMarket("ETH/USD", 300, ("kraken",)),
    )
    assert [str(one) for one in markets] == ["BTC/USD@300", "BTC/USD@60", "ETH/USD@300"]
    assert parse_markets("") == parse_markets(" , ") == ()


@pytest.mark.parametrize(
    "text",
    [
        "kraken",
        "kraken:BTC/USD",
        "kraken:BTC/USD@",
        "kraken:BTC/USD@0",
        "kraken:BTC/USD@030",
        "kraken:BTC/USD@-5",
        "kraken:BTC/USD@1.5",
        "kraken:BTC/USD@86401",
        "kraken:BTC/USD@100000",
        "kraken:BTC/USD@٣",
        "Kraken:BTC/USD@300",
        "kraken:btc/usd@300",
        "kraken:BTCUSD@300",
        "kraken:BTC/USD@300;binance:BTC/USD@300",
        "kraken: BTC/USD@300",
    ],
)
def test_what_names_no_market_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match=r"is no market: write <venue>:<BASE>/<QUOTE>@<seconds>"):
        parse_markets(f"kraken:ETH/USD@60,{text}")


def test_a_market_twice_and_too_many_are_refused() -> None:
    with pytest.raises(ParameterError, match="twice"):
        parse_markets("kraken:BTC/USD@300,kraken:BTC/USD@300")
    with pytest.raises(ParameterError, match="17 markets are named: at most 16"):
        parse_markets(",".join(f"kraken:BTC/USD@{seconds}" for seconds in range(1, 18)))
    with pytest.raises(ParameterError, match="65 venues' markets are named: at most 64"):
        parse_markets(",".join(f"v{number}:BTC/USD@300" for number in range(65)))


def test_every_horizon_that_it_takes_has_models() -> None:
    for seconds in (1, LONGEST_SECONDS):
        assert len(models_for(seconds)) == 2
