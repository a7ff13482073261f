from __future__ import annotations

from decimal import Decimal

import pytest

from noderr.market_data.consolidated_book import ConsolidatedBook
from noderr.market_data.errors import BookError
from noderr.market_data.order_book import OrderBook
from noderr.market_data.units import Scale


def book(bid: int, ask: int, scale: Scale) -> OrderBook:
    made = OrderBook(scale)
    made.load([(bid, 1), (bid - 1, 4)], [(ask, 2), (ask + 1, 4)])
    return made


def test_the_best_of_all_venues_whatever_their_units() -> None:
    both = ConsolidatedBook(10)
    both.update("kraken", book(1000, 1020, Scale(1, 0)), heard=100)
    both.update("binance", book(10_010, 10_300, Scale(2, 0)), heard=100)
    best = both.best(now=101)
    assert best.bid is not None
    assert best.ask is not None
    assert (best.bid.venue, best.bid.price, best.ask.venue, best.ask.price) == (
        "binance",
        Decimal("100.1"),
        "kraken",
        Decimal(102),
    )
    assert not best.is_crossed
    bids, asks = both.depth(101, 3)
    assert [(level.venue, level.price) for level in bids] == [
        ("binance", Decimal("100.1")),
        ("binance", Decimal("100.09")),
        ("kraken", Decimal(100)),
    ]
    assert [level.price for level in asks] == [Decimal(102), Decimal("102.1"), Decimal(103)]


def test_a_book_that_is_old_or_lost_does_not_count() -> None:
    both = ConsolidatedBook(10)
    both.update("kraken", book(1000, 1020, Scale(1, 0)), heard=100)
    both.update("binance", book(1001, 1021, Scale(1, 0)), heard=105)
    assert [level.venue for level in both.depth(110, 9)[0]] == ["binance", "binance", "kraken", "kraken"]
    assert {level.venue for level in both.depth(110.5, 9)[0]} == {"binance"}
    both.drop("binance")
    best = both.best(110.5)
    assert (best.bid, best.ask, best.is_crossed) == (None, None, False)


def test_venues_may_cross_and_it_is_said() -> None:
    both = ConsolidatedBook(10)
    both.update("kraken", book(1000, 1020, Scale(1, 0)), heard=0)
    both.update("binance", book(1030, 1040, Scale(1, 0)), heard=0)
    assert both.best(1).is_crossed


def test_an_age_that_is_none_is_refused() -> None:
    with pytest.raises(BookError):
        ConsolidatedBook(0)
