"""Views of markets refuse what no market is, and come back from the wire as they were."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.types.trading import FieldError, Side
from noderr.types.trading.market_view import MAX_TRADES, MarketView, PriceLevel, TradePrint
from noderr.types.trading.market_view_on_wire import market_view_from_wire, market_view_to_wire
from noderr.types.wire import market_pb2 as pb

NOW_NS = 1_790_000_000_000_000_000


def level(price: str, size: str = "1") -> PriceLevel:
    return PriceLevel(price=Decimal(price), size=Decimal(size))


TRADE = TradePrint(price=Decimal("100.5"), quantity=Decimal("0.25"), taker=Side.SELL, at_ns=NOW_NS)
VIEW = MarketView(
    venue="kraken",
    symbol="BTC/USD",
    received_ns=NOW_NS,
    sequence=1,
    bids=(level("100.5"), level("100.4", "2.5")),
    asks=(level("100.6", "0.1"), level("101")),
    trades=(TRADE,),
    known=True,
)


@pytest.mark.parametrize(
    ("record", "field", "value", "wanted"),
    [
        (VIEW, "venue", "a/b", "1 to 64 letters"),
        (VIEW, "symbol", "BTCUSD", "BASE/QUOTE"),
        (VIEW, "received_ns", 1_790_000_000, "nanoseconds since 1970"),
        (VIEW, "sequence", 0, "an int from 1"),
        (VIEW, "sequence", True, "an int from 1"),
        (VIEW, "known", 1, "True or False"),
        (VIEW, "known", False, "a book that is not known has no levels"),
        (VIEW, "bids", (level("100.6"),), "below the best ask 100.6"),
        (VIEW, "bids", (level("100.4"), level("100.5")), "the best first"),
        (VIEW, "asks", (level("101"), level("100.6")), "the best first"),
        (VIEW, "asks", (level("101"), level("101.0")), "one level a price"),
        (VIEW, "asks", tuple(level(str(101 + place)) for place in range(11)), "at most 10 levels"),
        (VIEW, "trades", (TRADE,) * (MAX_TRADES + 1), "at most 1000"),
        (level("1"), "price", Decimal(0), "above 0"),
        (level("1"), "price", 1.5, "a finite Decimal"),
        (level("1"), "size", Decimal("NaN"), "a finite Decimal"),
        (TRADE, "price", Decimal(-1), "above 0"),
        (TRADE, "quantity", Decimal(0), "above 0"),
        (TRADE, "at_ns", 0, "nanoseconds since 1970"),
    ],
)
def test_a_field_that_makes_no_sense_is_refused(record: Any, field: str, value: object, wanted: str) -> None:
    with pytest.raises(FieldError, match=wanted) as caught:
        copy.replace(record, **{field: value})
    assert (caught.value.record, caught.value.field) == (type(record).__name__, field)


def test_a_book_may_be_unknown_or_lack_a_side() -> None:
    unknown = copy.replace(VIEW, known=False, bids=(), asks=())
    assert unknown.trades == (TRADE,)
    assert copy.replace(VIEW, asks=()).known


_PRICES = st.decimals("0.00000001", 10**9, places=8)
_SIZES = st.decimals("0.00000001", 10**9, places=8)
_TIMES = st.integers(10**18, 2**63 - 1)


@st.composite
def _views(draw: st.DrawFn) -> MarketView:
    prices = sorted(draw(st.sets(_PRICES, max_size=20)))
    split = draw(st.integers(max(0, len(prices) - 10), min(10, len(prices))))
    levels = [PriceLevel(price=price, size=draw(_SIZES)) for price in prices]
    trades = st.builds(TradePrint, price=_PRICES, quantity=_SIZES, taker=st.sampled_from(Side), at_ns=_TIMES)
    return MarketView(
        venue="kraken",
        symbol="BTC/USD",
        received_ns=draw(_TIMES),
        sequence=draw(st.integers(1, 2**64 - 1)),
        bids=tuple(reversed(levels[:split])),
        asks=tuple(levels[split:]),
        trades=tuple(draw(st.lists(trades, max_size=3))),
        known=bool(levels) or draw(st.booleans()),
    )


@settings(max_examples=50)
@given(_views())
def test_views_come_back_from_the_wire(view: MarketView) -> None:
    sent = market_view_to_wire(view).SerializeToString()
    assert market_view_from_wire(pb.MarketView.FromString(sent)) == view


def test_a_message_that_makes_no_sense_becomes_no_view() -> None:
    def changed(change: Any) -> pb.MarketView:
        message = market_view_to_wire(VIEW)
        change(message)
        return pb.MarketView.FromString(message.SerializeToString())

    for change, reason in [
        (lambda view: view.ClearField("known"), "is not known has no levels"),
        (lambda view: view.ClearField("sequence"), "an int from 1"),
        (lambda view: setattr(view.bids[0], "price", "100.50"), r"PriceLevel\.price is '100\.50'.*one writing"),
        (lambda view: setattr(view.asks[0], "size", "-1"), "above 0"),
        (lambda view: setattr(view.trades[0], "taker", 0), r"TradePrint\.taker is 0: it must be one of BUY, SELL"),
        (lambda view: view.trades[0].ClearField("quantity"), "one writing"),
        (lambda view: view.bids.extend([view.bids[1]] * 10), r"MarketView\.bids is 12: it must be at most 10"),
        (lambda view: view.trades.extend([view.trades[0]] * MAX_TRADES), "at most 1000"),
    ]:
        with pytest.raises(FieldError, match=reason):
            market_view_from_wire(changed(change))
    with pytest.raises(FieldError):
        market_view_from_wire(pb.MarketView())
