"""What holds of a simulated venue whatever the market does and whatever is asked of it."""

from __future__ import annotations

import random
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.exchanges.latency import ConstantLatency, DrawnLatency
from noderr.exchanges.simulated_venue import SimulatedVenue
from noderr.exchanges.testing import FEES, order, simulated_venue, traded
from noderr.exchanges.updates import Accepted, Canceled, Expired, Filled, OrderUpdate, Rejected
from noderr.exchanges.venue import FeeSchedule
from noderr.market_data.events import MarketEvent
from noderr.market_data.order_book import Level
from noderr.market_data.testing import SYMBOL, T0, delta, gap, moment, snapshot
from noderr.types.trading import Liquidity, Order, OrderState, Side, TimeInForce, check_transition

REBATE = FeeSchedule(maker=Decimal("-0.0003"), taker=Decimal("0.001"))
bid_levels = st.lists(
    st.tuples(st.integers(9_990, 10_000), st.integers(1, 5_000)), max_size=5, unique_by=lambda x: x[0]
)
ask_levels = st.lists(
    st.tuples(st.integers(9_996, 10_008), st.integers(1, 5_000)), max_size=5, unique_by=lambda x: x[0]
)


def gone(levels: list[Level]) -> list[Level]:
    """Some of them are taken away."""
    return [(price, 0 if size % 3 == 0 else size) for price, size in levels]


events = st.one_of(
    st.tuples(st.just("snapshot"), bid_levels, ask_levels),
    st.tuples(st.just("delta"), bid_levels.map(gone), ask_levels.map(gone)),
    st.tuples(st.just("delta"), bid_levels.map(gone), ask_levels.map(gone)),
    st.tuples(st.just("trade"), st.integers(9_990, 10_008), st.tuples(st.integers(1, 3_000), st.sampled_from(Side))),
    st.tuples(st.just("gap"), st.none(), st.none()),
)
asked = st.one_of(
    st.tuples(
        st.just("order"),
        st.tuples(st.sampled_from(Side), st.integers(1, 4_000), st.none() | st.integers(9_990, 10_008)),
        st.tuples(st.sampled_from(TimeInForce), st.booleans()),
    ),
    st.tuples(st.just("cancel"), st.integers(0, 20), st.none()),
)


def event_of(at: float, kind: str, first: object, second: object) -> MarketEvent:
    match kind, first, second:
        case "snapshot", list(bids), list(asks):
            return snapshot(at, tuple(bids), tuple(asks))
        case "delta", list(bids), list(asks):
            return delta(at, tuple(bids), tuple(asks))
        case "trade", int(price), (int(size), Side() as taker):
            return traded(at, f"{price / 100:.2f}", f"{size / 1000:.3f}", taker.value)
        case _:
            return gap(at)


def order_of(number: int, at: float, wish: tuple[Side, int, int | None], tif: TimeInForce) -> Order:
    side, size, limit = wish
    if limit is None:
        tif = TimeInForce.FOK if tif is TimeInForce.FOK else TimeInForce.IOC
    return order(
        number,
        side,
        f"{size / 1000:.3f}",
        None if limit is None else f"{limit / 100:.2f}",
        tif,
        expires_at=at + size / 100 if tif is TimeInForce.GTD else None,
    )


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.one_of(events, asked), max_size=60),
    st.integers(0, 2**32),
    st.sampled_from([FEES, REBATE]),
    st.booleans(),
)
def test_whatever_happens(steps: list[tuple[str, object, object]], seed: int, fees: FeeSchedule, slow: bool) -> None:
    latency = DrawnLatency(random.Random(seed), ConstantLatency(), 10**9) if slow else ConstantLatency()
    venue = simulated_venue("700", btc="4", fees=fees, latency=latency)
    updates: list[OrderUpdate] = []
    orders: dict[str, Order] = {}
    for number, (kind, first, second) in enumerate(steps):
        at = number / 2
        match kind, first, second:
            case "order", (_, _, _) as wish, (TimeInForce() as tif, bool(post_only)):
                one = order_of(len(orders), at, wish, tif)  # type: ignore[arg-type]
                orders[one.client_order_id] = one
                rests = one.time_in_force in (TimeInForce.GTC, TimeInForce.GTD)
                venue.submit(one, moment(at), post_only and rests)
            case "cancel", int(which), _:
                venue.cancel(f"o-{which}", moment(at))
            case _:
                venue.on_market(event_of(at, kind, first, second), moment(at))
        updates += venue.on_time(moment(at))
        check_money(venue)
    while (next_ns := venue.next_time_ns) is not None:
        updates += venue.on_time(next_ns)
    check_words(venue, orders, updates)
    for name in orders:
        venue.cancel(name, moment(10_000))
    venue.on_time(moment(20_000))
    assert venue.open_orders() == ()
    assert all(balance.reserved == 0 for balance in venue.balances().values())


def check_money(venue: SimulatedVenue) -> None:
    """Nobody owes anything, open orders bind just what they may need, and nothing else is bound."""
    base, quote = Decimal(0), Decimal(0)
    for known in venue.open_orders():
        left = known.order.quantity - known.filled
        assert left > 0
        if known.order.side is Side.SELL:
            base += left
        else:
            assert known.order.limit_price is not None
            quote += left * known.order.limit_price
    balances = venue.balances()
    assert all(balance.free >= 0 for balance in balances.values())
    assert (balances["BTC"].reserved if "BTC" in balances else 0) == base
    reserved = balances["USD"].reserved if "USD" in balances else Decimal(0)
    assert quote <= reserved <= quote * Decimal("1.0027")


def check_words(venue: SimulatedVenue, orders: dict[str, Order], updates: list[OrderUpdate]) -> None:
    """Each order's reports are a possible life that ends where the venue says it is; fills are within its limit."""
    states = dict.fromkeys(orders, OrderState.PENDING_NEW)
    filled: defaultdict[str, Decimal] = defaultdict(Decimal)
    usd, btc = Fraction(700), Fraction(4)
    for update in updates:
        name, after = update.client_order_id, None
        match update:
            case Accepted():
                after = OrderState.NEW
            case Rejected():
                after = OrderState.REJECTED
            case Filled(fill=fill):
                filled[name] += fill.quantity
                limit = orders[name].limit_price
                assert limit is None or fill.price * fill.side.sign <= limit * fill.side.sign
                assert fill.liquidity is Liquidity.TAKER or fill.price == limit
                usd -= fill.side.sign * Fraction(fill.notional.amount) + Fraction(fill.fee.amount)
                btc += fill.side.sign * Fraction(fill.quantity)
                whole = filled[name] == orders[name].quantity
                after = OrderState.FILLED if whole else OrderState.PARTIALLY_FILLED
            case Canceled():
                after = OrderState.CANCELED
            case Expired():
                after = OrderState.EXPIRED
            case _:
                continue
        check_transition(name, states[name], after)
        states[name] = after
    for name, one in orders.items():
        known = venue.order(name)
        assert known is not None
        assert (known.state, known.filled) == (states[name], filled[name])
        if one.time_in_force is TimeInForce.FOK:
            assert filled[name] in (0, one.quantity)
        if one.time_in_force is TimeInForce.IOC:
            assert known.state.is_final
    balances = venue.balances()
    assert Fraction(balances["USD"].total if "USD" in balances else 0) == usd
    assert Fraction(balances["BTC"].total if "BTC" in balances else 0) == btc
    position = venue.account.position(SYMBOL, T0)
    profit = position.realised_pnl + venue.account.unrealised_pnl(SYMBOL, Decimal(100))
    assert Fraction(profit.amount) == usd - 700 + (btc - 4) * 100


@settings(max_examples=150, deadline=None)
@given(ask_levels, st.lists(st.tuples(st.integers(1, 3_000), st.none() | st.integers(9_996, 10_008)), max_size=12))
def test_together_takers_get_no_more_than_there_is(asks: list[Level], wishes: list[tuple[int, int | None]]) -> None:
    venue = simulated_venue("100000000")
    venue.on_market(snapshot(0, (), tuple(asks)), T0)
    got: defaultdict[int, int] = defaultdict(int)
    left = dict(asks)
    for number, (size, limit) in enumerate(wishes):
        one = order_of(number, 1, (Side.BUY, size, limit), TimeInForce.IOC)
        venue.submit(one, moment(1))
        for update in venue.on_time(moment(1)):
            if isinstance(update, Filled):
                got[int(update.fill.price * 100)] += int(update.fill.quantity * 1000)
        wanted = size
        for price in sorted(left):
            if limit is None or price <= limit:
                taken = min(wanted, left[price])
                left[price] -= taken
                wanted -= taken
    assert {price: size - left[price] for price, size in asks if size != left[price]} == got
