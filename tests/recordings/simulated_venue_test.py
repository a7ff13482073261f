"""Simulated trading in Kraken's recorded XMR/USD: every fill is what the recorded book had then, and money adds up.

The judge walks books that it makes of the raw frames with plain dicts, and knows nothing of the venue or the session.
"""

from __future__ import annotations

import functools
import json
import random
from bisect import bisect_right
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from noderr.data_connectors.kraken import KrakenSession
from noderr.exchanges.account import Account
from noderr.exchanges.latency import ConstantLatency, DrawnLatency, LatencyModel
from noderr.exchanges.market_rules import Listing
from noderr.exchanges.simulated_venue import SimulatedVenue
from noderr.exchanges.updates import Filled, OrderUpdate
from noderr.exchanges.venue import FeeSchedule
from noderr.market_data.events import MarketEvent
from noderr.types.trading import Fill, Instrument, Liquidity, Order, OrderState, OrderType, Side, TimeInForce
from tests.recordings.recorded import frames
from tests.recordings.venues import Wire

SYMBOL = "XMR/USD"
INSTRUMENT = Instrument(
    symbol=SYMBOL,
    tick_size=Decimal("0.01"),
    lot_size=Decimal("0.00000001"),
    min_quantity=Decimal("0.02"),
    min_notional=Decimal(5),
)
FEES = FeeSchedule(maker=Decimal("0.0016"), taker=Decimal("0.0026"))
OPENING = {"USD": Decimal(100_000), "XMR": Decimal(300)}
SECOND = 10**9

type Levels = dict[Decimal, Decimal]


class Recording:
    """The events of the market as a node gets them, and the books after each frame as plain dicts."""

    def __init__(self, folder: Path) -> None:
        wire = Wire(KrakenSession([SYMBOL], depth=1000), lambda _pair: None)
        wire.open()
        self.events: list[tuple[int, MarketEvent]] = []
        self.times: list[int] = []
        self.books: list[tuple[Levels, Levels]] = []
        bids: Levels = {}
        asks: Levels = {}
        for one in frames(folder / "KRAKEN.ws.50.0"):
            if not (one.payload.startswith(b"[") and one.payload.endswith(b'"XMR/USD"]')):
                continue
            before = len(wire.events)
            wire.frame(one.payload, one.received_ns)
            self.events += [(one.received_ns, event) for event in wire.events[before:]]
            for part in json.loads(one.payload)[1:-2]:
                for side, names in ((bids, ("bs", "b")), (asks, ("as", "a"))):
                    for price, size, *_ in (level for name in names for level in part.get(name, ())):
                        side[Decimal(price)] = Decimal(size)
            self.times.append(one.received_ns)
            self.books.append(tuple({p: s for p, s in side.items() if s} for side in (bids, asks)))  # type: ignore[arg-type]
        assert not wire.gaps

    def book(self, at_ns: int) -> tuple[Levels, Levels]:
        """As it was when the last frame before had come."""
        return self.books[bisect_right(self.times, at_ns) - 1]


@functools.cache
def recording(folder: Path) -> Recording:
    return Recording(folder)


def venue_of(latency: LatencyModel) -> SimulatedVenue:
    return SimulatedVenue("kraken", {SYMBOL: Listing(INSTRUMENT, FEES)}, Account(OPENING), latency)


def run(recorded: Recording, venue: SimulatedVenue, orders: list[tuple[int, Order]]) -> list[OrderUpdate]:
    """Orders at their times among the recorded events, until the recording ends."""
    updates, waiting = [], sorted(orders, key=lambda one: one[0], reverse=True)
    for at_ns, event in recorded.events:
        while waiting and waiting[-1][0] <= at_ns:
            sent_ns, order = waiting.pop()
            updates += venue.on_time(sent_ns)
            venue.submit(order, sent_ns)
        venue.on_market(event, at_ns)
        updates += venue.on_time(at_ns)
    while (next_ns := venue.next_time_ns) is not None:
        updates += venue.on_time(next_ns)
    return updates


def order(number: int, at_ns: int, side: Side, quantity: str, limit: Decimal | None, tif: TimeInForce) -> Order:
    return Order(
        client_order_id=f"o-{number}",
        symbol=SYMBOL,
        side=side,
        type=OrderType.MARKET if limit is None else OrderType.LIMIT,
        quantity=Decimal(quantity),
        limit_price=limit,
        time_in_force=tif,
        created_at_ns=at_ns,
    )


def walk(levels: Levels, side: Side, quantity: Decimal, limit: Decimal | None) -> list[tuple[Decimal, Decimal]]:
    """What a taker gets of these levels."""
    got = []
    for price in sorted(levels, reverse=side is Side.SELL):
        if not quantity or (limit is not None and (price > limit if side is Side.BUY else price < limit)):
            break
        size = min(quantity, levels[price])
        got.append((price, size))
        quantity -= size
    return got


def fills_of(updates: list[OrderUpdate]) -> list[Fill]:
    return [one.fill for one in updates if isinstance(one, Filled)]


@pytest.mark.parametrize("delay_ns", [0, 250_000_000])
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("quantity", ["0.5", "40", "250"])
def test_a_taker_gets_what_an_independent_walk_of_the_recorded_book_gets(
    recordings: Path, side: Side, quantity: str, delay_ns: int
) -> None:
    recorded = recording(recordings)
    first, last = recorded.events[0][0], recorded.times[-1]
    compared = 0
    for step in range(1, 20):
        sent_ns = first + (last - first) * step // 20
        bids, asks = recorded.book(sent_ns + delay_ns)
        other = asks if side is Side.BUY else bids
        best = (min if side is Side.BUY else max)(other)
        for limit in (None, best, (best * (1 + side.sign * Decimal("0.002"))).quantize(Decimal("0.01"))):
            venue = venue_of(ConstantLatency(order=delay_ns))
            updates = run(recorded, venue, [(sent_ns, order(1, sent_ns, side, quantity, limit, TimeInForce.IOC))])
            got = [(fill.price, fill.quantity) for fill in fills_of(updates)]
            assert got == walk(other, side, Decimal(quantity), limit)
            assert {fill.at_ns for fill in fills_of(updates)} == {sent_ns + delay_ns}
            compared += len(got)
    assert compared >= 19 * 3


def many(recorded: Recording, seed: int) -> list[tuple[int, Order]]:
    """A day's work in half a minute: takers, makers near the touch, all or nothing; both sides."""
    chosen = random.Random(seed)
    orders = []
    for number in range(150):
        sent_ns = chosen.randrange(recorded.events[0][0], recorded.times[-1])
        side, tif = chosen.choice(list(Side)), chosen.choice([TimeInForce.GTC, *TimeInForce][:4])
        bids, asks = recorded.book(sent_ns)
        touch = max(bids) if side is Side.BUY else min(asks)
        limit = touch + side.sign * Decimal(chosen.randrange(-20, 60)) / 100
        orders.append((sent_ns, order(number, sent_ns, side, f"{chosen.randrange(2, 500) / 100:.2f}", limit, tif)))
    return orders


@pytest.mark.parametrize("seed", range(8))
def test_a_day_of_orders_adds_up(recordings: Path, seed: int) -> None:
    recorded = recording(recordings)
    least = ConstantLatency(order=5 * 10**6, report=5 * 10**6)
    venue = venue_of(DrawnLatency(random.Random(seed), least, 30 * 10**6))
    orders = many(recorded, seed)
    by_id = {one.client_order_id: one for _, one in orders}
    fills = fills_of(run(recorded, venue, orders))
    assert {fill.liquidity for fill in fills} == set(Liquidity)
    usd, xmr, got = Fraction(OPENING["USD"]), Fraction(OPENING["XMR"]), dict.fromkeys(by_id, Decimal(0))
    for fill in fills:
        wanted = by_id[fill.client_order_id]
        assert wanted.limit_price is not None
        assert fill.price * fill.side.sign <= wanted.limit_price * fill.side.sign
        got[fill.client_order_id] += fill.quantity
        bids, asks = recorded.book(fill.at_ns)
        other = asks if fill.side is Side.BUY else bids
        if fill.liquidity is Liquidity.TAKER:
            assert fill.quantity <= other[fill.price]
        else:  # Without trades in the recording only a book that crosses our price fills us, by no more than it shows.
            assert fill.price == wanted.limit_price
            crossing = [size for price, size in other.items() if price * fill.side.sign <= fill.price * fill.side.sign]
            assert fill.quantity <= sum(crossing)
        rate = FEES.taker if fill.liquidity is Liquidity.TAKER else FEES.maker
        assert abs(fill.fee.amount - fill.notional.amount * rate) < Decimal("1E-8")
        usd -= fill.side.sign * Fraction(fill.notional.amount) + Fraction(fill.fee.amount)
        xmr += fill.side.sign * Fraction(fill.quantity)
    for order_id, filled in got.items():
        known = venue.order(order_id)
        assert known is not None
        assert known.filled == filled <= by_id[order_id].quantity
        if by_id[order_id].time_in_force is TimeInForce.FOK:
            assert filled in (0, by_id[order_id].quantity)
        assert (known.state is OrderState.FILLED) == (filled == by_id[order_id].quantity)
    balances = venue.balances()
    assert (Fraction(balances["USD"].total), Fraction(balances["XMR"].total)) == (usd, xmr)
    mark = Decimal("332.5")
    profit = venue.account.position(SYMBOL, recorded.times[-1]).realised_pnl
    profit += venue.account.unrealised_pnl(SYMBOL, mark)
    assert Fraction(profit.amount) == usd - Fraction(OPENING["USD"]) + (xmr - Fraction(OPENING["XMR"])) * Fraction(mark)
    for order_id in by_id:
        if (known := venue.order(order_id)) is not None and known.state.is_open:
            venue.cancel(order_id, recorded.times[-1] + SECOND)
    venue.on_time(recorded.times[-1] + 100 * SECOND)
    assert all(balance.reserved == 0 for balance in venue.balances().values())


def test_the_same_seed_trades_the_same(recordings: Path) -> None:
    recorded = recording(recordings)

    def once() -> list[OrderUpdate]:
        venue = venue_of(DrawnLatency(random.Random(3), ConstantLatency(), 10**7))
        return run(recorded, venue, many(recorded, 3))

    assert once() == once()
