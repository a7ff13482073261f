"""The trading file: read to the digit, or refused with every problem by its name."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from noderr.execution.errors import TradingFileError
from noderr.execution.trading_file import read_trading_terms


def market(venue: str = "kraken", symbol: str = "BTC/USD", **changes: Any) -> dict[str, Any]:
    instrument = {
        "symbol": symbol,
        "tick_size": "0.1",
        "lot_size": "0.00000001",
        "min_quantity": "0.0001",
        "min_notional": "5",
    }
    return {"venue": venue, "maker_fee": "0.0016", "taker_fee": "0.0026", "instrument": instrument} | changes


WHOLE: dict[str, Any] = {
    "version": 1,
    "currency": "USD",
    "paper_cash": "10000",
    "ruleset": "0x" + "5a" * 32,
    "policy": {"equity_fraction": "0.02"},
    "markets": [market(), market("coinbase")],
}


def written(folder: Path, content: object) -> Path:
    path = folder / "trading.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_it_is_read_to_the_digit(tmp_path: Path) -> None:
    terms = read_trading_terms(written(tmp_path, WHOLE))
    assert (terms.currency, terms.paper_cash, terms.ruleset) == ("USD", Decimal(10_000), b"\x5a" * 32)
    assert (terms.policy.equity_fraction, terms.policy.limit_bps) == (Decimal("0.02"), 20)
    listing = terms.listings["kraken"]["BTC/USD"]
    assert (listing.instrument.lot_size, listing.fees.taker) == (Decimal("0.00000001"), Decimal("0.0026"))


def test_a_market_at_two_venues_has_the_coarser_steps(tmp_path: Path) -> None:
    other = market("coinbase")
    other["instrument"] = other["instrument"] | {"tick_size": "0.01", "min_notional": "10"}
    terms = read_trading_terms(written(tmp_path, WHOLE | {"markets": [market(), other]}))
    instrument = terms.instruments["BTC/USD"]
    assert (instrument.tick_size, instrument.min_notional) == (Decimal("0.1"), Decimal(10))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "truncated"),
        (WHOLE | {"version": 2}, "version is 2"),
        (WHOLE | {"ruleset": "0x12"}, "ruleset is '0x12'"),
        (WHOLE | {"ruleset": "zz" * 32}, "64 hexadecimal digits"),
        (WHOLE | {"markets": []}, "0 markets"),
        (WHOLE | {"markets": [market(), market()]}, "kraken:BTC/USD is there 2 times"),
        (WHOLE | {"markets": [market(symbol="BTC/EUR")]}, "not quoted in USD"),
        (WHOLE | {"paper_cash": "0"}, "paper_cash"),
        (WHOLE | {"paper_cash": "NaN"}, "paper_cash"),
        (WHOLE | {"leverage": 3}, "leverage"),
        (WHOLE | {"policy": {"equity_fraction": "2"}}, "equity_fraction"),
        (WHOLE | {"policy": {"equity_fraction": "0.1", "limt_bps": 5}}, "limt_bps"),
        (WHOLE | {"markets": [market(taker_fee="a lot")]}, "taker_fee"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(tmp_path: Path, content: object, words: str) -> None:
    with pytest.raises(TradingFileError, match=words):
        read_trading_terms(written(tmp_path, content))


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    content = WHOLE | {"version": 9, "ruleset": "", "markets": [market(), market()]}
    with pytest.raises(TradingFileError) as refused:
        read_trading_terms(written(tmp_path, content))
    assert len(refused.value.problems) == 3


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(TradingFileError, match="cannot be read"):
        read_trading_terms(tmp_path / "none.json")
