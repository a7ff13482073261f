"""The matching engine: trade by trade the same as the rules written straight down, and what must hold of any market."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.exchanges.errors import InvalidOrderError
from noderr.exchanges.matching_engine import MatchingEngine, NewOrder
from noderr.exchanges.matching_testing import NaiveBook
from noderr.exchanges.updates import RejectReason
from noderr.types.trading import Instrument, Order, OrderType, Side, TimeInForce

NOW_NS = 1_790_000_000_000_000_000
INSTRUMENT = Instrument(
    symbol="XMR/USD",
    tick_size=Decimal("0.05"),
    lot_size=Decimal("0.001"),
    min_quantity=Decimal("0.01"),
    min_notional=Decimal(5),
)
TIF = TimeInForce


def new(order_id: str, side: Side, size: int, price: int | None, **more: object) -> NewOrder:
    given_: dict[str, object] = {"owner": order_id, **more}
    return NewOrder(order_id=order_id, side=side, size=size, price=price, **given_)  # type: ignore[arg-type]


@st.composite
def new_orders(draw: st.DrawFn) -> NewOrder:
    price = draw(st.none() | st.integers(95, 105))
    tif = draw(st.sampled_from([TIF.IOC, TIF.FOK] if price is None else [TIF.GTC, TIF.GTC, TIF.GTC, *TIF]))
    return NewOrder(
        order_id=f"o{draw(st.integers(0, 40))}",
        owner=draw(st.sampled_from(["ann", "bob", "cleo", "dan"])),
        side=draw(st.sampled_from(Side)),
        size=draw(st.integers(1, 12)),
        price=price,
        time_in_force=tif,
        expires_at_ns=NOW_NS + draw(st.integers(0, 60)) if tif is TIF.GTD else None,
        post_only=price is not None and tif in (TIF.GTC, TIF.GTD) and draw(st.booleans()),
    )


ids = st.integers(0, 40).map(lambda number: f"o{number}")
steps = st.lists(
    st.tuples(st.just("submit"), new_orders())
    | st.tuples(st.just("submit"), new_orders())
    | st.tuples(st.just("submit"), new_orders())
    | st.tuples(st.just("cancel"), ids)
    | st.tuples(st.just("reduce"), st.tuples(ids, st.integers(1, 6)))
    | st.tuples(st.just("expire"), st.none()),
    max_size=80,
)


@settings(max_examples=300, deadline=None)
@given(steps)
def test_trade_by_trade_as_the_rules_written_straight_down(steps: list[tuple[str, object]]) -> None:
    engine, naive = MatchingEngine(INSTRUMENT), NaiveBook()
    for number, (kind, what) in enumerate(steps):
        now_ns = NOW_NS + number
        match kind, what:
            case "submit", NewOrder() as order:
                said = engine.submit(order, now_ns)
                trades = [(one.price, one.size, one.maker_id, one.taker_id) for one in said.matches]
                assert (trades, said.resting, said.canceled, said.refused) == naive.submit(order, now_ns)
            case "cancel", str(order_id):
                assert engine.cancel(order_id) == naive.cancel(order_id)
            case "reduce", (str(order_id), int(size)):
                assert engine.reduce(order_id, size) == naive.reduce(order_id, size)
            case _:
                assert engine.expire(now_ns) == naive.expire(now_ns)
        assert engine.bids.levels(100) == naive.levels(Side.BUY)
        assert engine.asks.levels(100) == naive.levels(Side.SELL)


@settings(max_examples=200, deadline=None)
@given(st.lists(new_orders(), max_size=80))
def test_what_holds_of_any_market(orders: list[NewOrder]) -> None:
    engine = MatchingEngine(INSTRUMENT)
    arrived: dict[str, int] = {}
    sides: dict[str, NewOrder] = {}
    for at, order in enumerate(orders):
        before = {order_id: engine.left(order_id) for order_id in sides}
        said = engine.submit(order, NOW_NS)
        bid, ask = engine.bids.best(), engine.asks.best()
        assert bid is None or ask is None or bid < ask  # Never crossed.
        traded = sum(one.size for one in said.matches)
        if said.refused is not None:
            assert (said.matches, said.resting, said.canceled) == ((), 0, 0)
            assert engine.left(order.order_id) == before.get(order.order_id, 0)
            continue
        assert traded + said.resting + said.canceled == order.size  # Nothing is lost or made.
        assert engine.left(order.order_id) == said.resting
        for order_id, was in before.items():  # Makers lose just what they traded.
            if order_id != order.order_id:
                assert engine.left(order_id) == was - sum(m.size for m in said.matches if m.maker_id == order_id)
        if order.time_in_force is TIF.FOK:
            assert traded == order.size
        if order.time_in_force is TIF.IOC:
            assert said.resting == 0
        if order.post_only:
            assert traded == 0
        for one in said.matches:
            assert sides[one.maker_id].owner != order.owner
            assert order.price is None or one.price * order.side.sign <= order.price * order.side.sign
        # The best price first, and of one price who came first.
        ranks = [(one.price * order.side.sign, arrived[one.maker_id]) for one in said.matches]
        assert ranks == sorted(ranks)
        for order_id in before:
            if engine.left(order_id) and sides[order_id].side is not order.side and said.matches:
                passed = (sides[order_id].price or 0) * order.side.sign, arrived[order_id]
                assert passed >= ranks[-1]
        if said.resting:
            arrived[order.order_id], sides[order.order_id] = at, order


def test_a_price_is_emptied_in_the_order_of_arrival() -> None:
    engine = MatchingEngine(INSTRUMENT)
    for order_id, price in (("a", 101), ("b", 100), ("c", 100)):
        assert engine.submit(new(order_id, Side.SELL, 5, price), NOW_NS).resting == 5
    said = engine.submit(new("t", Side.BUY, 12, 101), NOW_NS)
    assert [(one.maker_id, one.price, one.size) for one in said.matches] == [
        ("b", 100, 5),
        ("c", 100, 5),
        ("a", 101, 2),
    ]
    assert [one.number for one in said.matches] == [1, 2, 3]


def test_reducing_keeps_the_place_in_the_queue() -> None:
    engine = MatchingEngine(INSTRUMENT)
    engine.submit(new("a", Side.SELL, 5, 100), NOW_NS)
    engine.submit(new("b", Side.SELL, 5, 100), NOW_NS)
    assert engine.reduce("a", 4) == 4
    said = engine.submit(new("t", Side.BUY, 3, None, time_in_force=TIF.IOC), NOW_NS)
    assert [(one.maker_id, one.size) for one in said.matches] == [("a", 1), ("b", 2)]
    with pytest.raises(InvalidOrderError, match="must be above 0"):
        engine.reduce("b", 0)


def test_what_meets_its_own_owner_is_canceled_and_the_older_order_stays() -> None:
    engine = MatchingEngine(INSTRUMENT)
    engine.submit(new("other", Side.SELL, 2, 99), NOW_NS)
    engine.submit(new("mine", Side.SELL, 5, 100, owner="ann"), NOW_NS)
    said = engine.submit(new("newer", Side.BUY, 6, 101, owner="ann"), NOW_NS)
    assert ([one.maker_id for one in said.matches], said.canceled, said.resting) == (["other"], 4, 0)
    assert engine.left("mine") == 5
    killed = engine.submit(new("fok", Side.BUY, 1, 101, owner="ann", time_in_force=TIF.FOK), NOW_NS)
    assert killed.refused is RejectReason.CANNOT_FILL


def test_expiry_is_at_its_time_and_only_once() -> None:
    engine = MatchingEngine(INSTRUMENT)
    for order_id, after in (("late", 9), ("soon", 5), ("canceled", 4)):
        engine.submit(new(order_id, Side.BUY, 1, 90, time_in_force=TIF.GTD, expires_at_ns=NOW_NS + after), NOW_NS)
    engine.cancel("canceled")
    assert engine.expire(NOW_NS + 4) == []
    assert engine.expire(NOW_NS + 9) == ["soon", "late"]
    assert engine.expire(NOW_NS + 9) == []
    assert engine.bids.best() is None
    late = engine.submit(new("x", Side.BUY, 1, 90, time_in_force=TIF.GTD, expires_at_ns=NOW_NS), NOW_NS)
    assert late.refused is RejectReason.TOO_LATE


def order(**more: object) -> Order:
    fields: dict[str, object] = {
        "client_order_id": "a-1",
        "symbol": "XMR/USD",
        "side": Side.BUY,
        "type": OrderType.LIMIT,
        "quantity": Decimal("0.25"),
        "limit_price": Decimal("230.05"),
        "created_at_ns": NOW_NS,
        **more,
    }
    return Order(**fields)  # type: ignore[arg-type]


def test_orders_come_in_whole_ticks_and_lots() -> None:
    units = MatchingEngine(INSTRUMENT).new_order(order(), "ann", post_only=True)
    assert (units.price, units.size, units.owner, units.post_only) == (4601, 250, "ann", True)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"symbol": "BTC/USD"}, "this market is XMR/USD"),
        ({"limit_price": Decimal("230.01")}, "multiple of the tick 0.05"),
        ({"quantity": Decimal("0.0105")}, "multiple of the lot 0.001"),
        ({"quantity": Decimal("0.009")}, "at least 0.01 XMR"),
        ({"quantity": Decimal("0.02")}, "at least 5 USD"),
    ],
)
def test_what_the_instrument_does_not_take_is_refused(more: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidOrderError, match=said):
        MatchingEngine(INSTRUMENT).new_order(order(**more), "ann")


@pytest.mark.parametrize(("size", "price"), [(0, 1), (1, 0), (-1, 5)])
def test_units_that_are_not_positive_are_refused(size: int, price: int) -> None:
    with pytest.raises(InvalidOrderError, match="must be above 0"):
        MatchingEngine(INSTRUMENT).submit(new("a", Side.BUY, size, price), NOW_NS)
