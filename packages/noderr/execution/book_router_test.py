"""The router on live books: the cheaper venue first, and nothing to a venue whose book is not known now."""

from __future__ import annotations

from decimal import Decimal

import pytest

from noderr.exchanges.market_rules import Listing
from noderr.exchanges.venue import FeeSchedule
from noderr.execution.allotment import Allotted, Wanted, objection
from noderr.execution.book_router import BookRouter
from noderr.market_data.events import BookSnapshot, Gap
from noderr.market_data.live_market import MarketName
from noderr.market_data.market_books import MarketBooks
from noderr.market_data.units import Scale
from noderr.types.trading import Instrument, Order, OrderType, Side

NOW_NS = 1_790_000_000_000_000_000
SYMBOL = "BTC/USD"
INSTRUMENT = Instrument(
    symbol=SYMBOL,
    tick_size=Decimal("0.1"),
    lot_size=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    min_notional=Decimal(1),
)


class Markets:
    """Two venues: A is cheaper by its price, B by its fee."""

    def __init__(self) -> None:
        self.now = 100.0
        self.books = MarketBooks([MarketName("aaa", SYMBOL), MarketName("bbb", SYMBOL)], lambda: self.now)
        listings = {
            "aaa": {SYMBOL: Listing(INSTRUMENT, FeeSchedule(maker=Decimal(0), taker=Decimal("0.005")))},
            "bbb": {SYMBOL: Listing(INSTRUMENT, FeeSchedule(maker=Decimal(0), taker=Decimal(0)))},
        }
        self.router = BookRouter(lambda: self.books, listings, lambda: self.now)

    def tell(self, venue: str, bid: int, ask: int, size: int = 1000) -> None:
        self.books.take(
            BookSnapshot(
                venue=venue,
                symbol=SYMBOL,
                scale=Scale(1, 3),
                bids=((bid, size),),
                asks=((ask, size), (ask + 10, size)),
                sequence=1,
                event_ns=None,
                received_ns=NOW_NS,
            )
        )

    def lose(self, venue: str) -> None:
        self.books.take(Gap(venue=venue, symbol=SYMBOL, reason="lost", received_ns=NOW_NS))

    def allot(
        self, quantity: str = "1.5", *, limit: str = "110", shunned: frozenset[str] = frozenset()
    ) -> list[Allotted]:
        order = Order(
            client_order_id="a",
            symbol=SYMBOL,
            side=Side.BUY,
            type=OrderType.LIMIT,
            quantity=Decimal("1.5"),
            limit_price=Decimal(limit),
            created_at_ns=NOW_NS,
        )
        wanted = Wanted(order=order, quantity=order.quantity, shunned=shunned, now_ns=NOW_NS)
        parts = list(self.router.allot(wanted))
        assert objection(wanted, parts) is None
        return parts


@pytest.fixture
def markets() -> Markets:
    made = Markets()
    made.tell("aaa", 990, 1_000)
    made.tell("bbb", 990, 1_003)
    return made


def shares(parts: list[Allotted]) -> dict[str, tuple[Decimal, Decimal | None]]:
    return {one.venue: (one.quantity, one.limit_price) for one in parts}


def test_the_fee_counts_as_the_price_does(markets: Markets) -> None:
    # 100.0 and half a per cent is dearer than 100.3 without a fee, and cheaper than 101.3.
    assert shares(markets.allot()) == {
        "aaa": (Decimal("0.500"), Decimal("100.0")),
        "bbb": (Decimal("1.000"), Decimal("100.3")),
    }


def test_a_limit_is_kept(markets: Markets) -> None:
    assert shares(markets.allot(limit="100.2")) == {"aaa": (Decimal("1.000"), Decimal("100.0"))}
    assert markets.allot(limit="99.9") == []


def test_a_venue_that_is_shunned_lost_crossed_or_silent_gets_nothing(markets: Markets) -> None:
    assert set(shares(markets.allot(shunned=frozenset({"bbb"})))) == {"aaa"}
    markets.lose("bbb")
    assert set(shares(markets.allot())) == {"aaa"}
    markets.tell("bbb", 1_010, 1_003)
    assert set(shares(markets.allot())) == {"aaa"}
    markets.now += 5.1
    assert markets.allot() == []
    markets.tell("bbb", 990, 1_003)
    assert set(shares(markets.allot())) == {"bbb"}


def test_the_reference_is_halfway_between_the_best_of_all(markets: Markets) -> None:
    markets.tell("bbb", 996, 1_003)
    one = markets.router.references()[SYMBOL]
    assert (one.price, one.as_of_ns) == (Decimal("99.8"), NOW_NS)
    markets.lose("aaa")
    assert markets.router.references()[SYMBOL].price == Decimal("99.95")
    markets.lose("bbb")
    assert markets.router.references() == {}
