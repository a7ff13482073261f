"""Records refuse what makes no sense, and come back from the wire as they were."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.types.trading import (
    CurrencyError,
    Direction,
    FieldError,
    Fill,
    Instrument,
    Liquidity,
    Money,
    Order,
    OrderType,
    Position,
    Side,
    Signal,
    TimeInForce,
    on_wire,
)
from noderr.types.trading.signal import SIGNAL_TYPE
from noderr.types.wire import trading_pb2 as pb

NOW_NS = 1_790_000_000_000_000_000
ORDER = Order(
    client_order_id="a-1",
    symbol="BTC/USD",
    side=Side.BUY,
    type=OrderType.LIMIT,
    quantity=Decimal("0.5"),
    limit_price=Decimal("64000.1"),
    created_at_ns=NOW_NS,
)
FILL = Fill(
    fill_id="f.1",
    client_order_id="a-1",
    venue="kraken",
    symbol="BTC/USD",
    side=Side.SELL,
    price=Decimal("64000.1"),
    quantity=Decimal("0.25"),
    fee=Money(Decimal("-0.01"), "USD"),
    liquidity=Liquidity.MAKER,
    at_ns=NOW_NS,
)
POSITION = Position(
    symbol="BTC/USD",
    quantity=Decimal("-0.25"),
    average_price=Decimal("64000"),
    realised_pnl=Money(Decimal("-12.5"), "USD"),
    as_of_ns=NOW_NS,
)
SIGNAL = Signal(
    symbol="BTC/USD",
    horizon_seconds=300,
    direction=Direction.SELL,
    prediction_e8=-125_000,
    confidence_bps=6_700,
    mid_price_e8=64_000_10000000,
    observed_at_s=1_790_000_000,
    model_hash=b"\7" * 32,
)
INSTRUMENT = Instrument(
    symbol="BTC/USD",
    tick_size=Decimal("0.1"),
    lot_size=Decimal("0.0001"),
    min_quantity=Decimal("0.001"),
    min_notional=Decimal("10"),
)


@pytest.mark.parametrize(
    ("record", "field", "value", "wanted"),
    [
        (ORDER, "client_order_id", "", "1 to 64 letters"),
        (ORDER, "client_order_id", "a b", "1 to 64 letters"),
        (ORDER, "symbol", "BTCUSD", "BASE/QUOTE"),
        (ORDER, "symbol", "BTC/USD/X", "BASE/QUOTE"),
        (ORDER, "symbol", "btc/usd", "BASE/QUOTE"),
        (ORDER, "quantity", Decimal(0), "above 0"),
        (ORDER, "quantity", 0.5, "a finite Decimal"),
        (ORDER, "quantity", Decimal("NaN"), "a finite Decimal"),
        (ORDER, "limit_price", None, "a finite Decimal above 0"),
        (ORDER, "limit_price", Decimal("-1"), "above 0"),
        (ORDER, "created_at_ns", 1_790_000_000_000, "nanoseconds since 1970"),
        (ORDER, "created_at_ns", True, "nanoseconds"),
        (ORDER, "expires_at_ns", NOW_NS + 1, "None: only a GTD order expires"),
        (FILL, "price", Decimal(0), "above 0"),
        (FILL, "venue", "a/b", "1 to 64 letters"),
        (POSITION, "average_price", None, "above 0"),
        (POSITION, "realised_pnl", Money(Decimal(1), "EUR"), "in the quote of BTC/USD"),
        (SIGNAL, "confidence_bps", 10_001, "from 0 to 10000"),
        (SIGNAL, "direction", 3, "from 0 to 2"),
        (SIGNAL, "mid_price_e8", 0, "from 1"),
        (SIGNAL, "prediction_e8", 0.1, "an int from"),
        (SIGNAL, "model_hash", b"\7" * 31, "32 bytes"),
        (INSTRUMENT, "tick_size", Decimal(0), "above 0"),
        (INSTRUMENT, "min_notional", Decimal(-1), "at least 0"),
        (Money(Decimal(1), "USD"), "currency", "usd", "capital letters"),
        (Money(Decimal(1), "USD"), "amount", Decimal("Infinity"), "a finite Decimal"),
    ],
)
def test_a_field_that_makes_no_sense_is_refused(record: Any, field: str, value: object, wanted: str) -> None:
    with pytest.raises(FieldError, match=wanted) as caught:
        copy.replace(record, **{field: value})
    assert (caught.value.record, caught.value.field) == (type(record).__name__, field)


def test_a_market_order_has_no_price_and_cannot_rest() -> None:
    market = copy.replace(ORDER, type=OrderType.MARKET, limit_price=None, time_in_force=TimeInForce.IOC)
    with pytest.raises(FieldError, match="because this is a market order"):
        copy.replace(market, limit_price=Decimal(1))
    with pytest.raises(FieldError, match="a market order cannot rest"):
        copy.replace(market, time_in_force=TimeInForce.GTC)


def test_a_good_till_date_order_expires_later() -> None:
    dated = copy.replace(ORDER, time_in_force=TimeInForce.GTD, expires_at_ns=NOW_NS + 1)
    with pytest.raises(FieldError, match="later than created_at_ns"):
        copy.replace(dated, expires_at_ns=NOW_NS)
    with pytest.raises(FieldError, match="nanoseconds"):
        copy.replace(dated, expires_at_ns=None)


def test_a_flat_position_has_no_price() -> None:
    flat = copy.replace(POSITION, quantity=Decimal(0), average_price=None)
    with pytest.raises(FieldError, match="because there is no position"):
        copy.replace(flat, average_price=Decimal(1))


@pytest.mark.parametrize(("price", "reason"), [("64000.15", "a multiple of the tick 0.1"), ("0", "above 0")])
def test_an_instrument_checks_prices(price: str, reason: str) -> None:
    INSTRUMENT.check_price(Decimal("64000.1"))
    with pytest.raises(FieldError, match=reason):
        INSTRUMENT.check_price(Decimal(price))


@pytest.mark.parametrize(
    ("quantity", "reason"),
    [("0.00105", "a multiple of the lot 0.0001"), ("0.0009", "at least 0.001 BTC"), ("0.001", "at least 10 USD")],
)
def test_an_instrument_checks_quantities(quantity: str, reason: str) -> None:
    INSTRUMENT.check_quantity(Decimal("0.002"), Decimal("9000"))
    with pytest.raises(FieldError, match=reason):
        INSTRUMENT.check_quantity(Decimal(quantity), Decimal("9000"))


def test_currencies_do_not_mix() -> None:
    assert Money(Decimal("0.1"), "USD") + Money(Decimal("0.2"), "USD") == Money(Decimal("0.30"), "USD")
    assert str(FILL.notional - Money(Decimal("0.025"), "USD")) == "16000 USD"
    with pytest.raises(CurrencyError, match="1 USD and 1 EUR are of two currencies"):
        Money(Decimal(1), "USD") + Money(Decimal(1), "EUR")
    with pytest.raises(CurrencyError):
        _ = Money(Decimal(1), "USD") < Money(Decimal(1), "EUR")


def test_the_digest_of_a_signal_covers_every_field() -> None:
    values: dict[str, Any] = {
        "symbol": "ETH/USD",
        "horizon_seconds": 301,
        "direction": Direction.BUY,
        "prediction_e8": 125_000,
        "confidence_bps": 6_701,
        "mid_price_e8": 1,
        "observed_at_s": 1,
        "model_hash": b"\10" * 32,
    }
    changed = [copy.replace(SIGNAL, **{field: value}) for field, value in values.items()]
    assert len(changed) == len(dataclasses.fields(Signal))
    assert len({SIGNAL.digest, *(signal.digest for signal in changed)}) == len(changed) + 1


_WORDS = st.binary(min_size=32, max_size=32)


@given(
    st.builds(
        Signal,
        symbol=st.from_regex(r"[A-Z0-9]{2,12}/[A-Z0-9]{2,12}", fullmatch=True),
        horizon_seconds=st.integers(1, 2**32 - 1),
        direction=st.sampled_from(Direction),
        prediction_e8=st.integers(-(2**63), 2**63 - 1),
        confidence_bps=st.integers(0, 10_000),
        mid_price_e8=st.integers(1, 2**64 - 1),
        observed_at_s=st.integers(0, 2**64 - 1),
        model_hash=_WORDS,
    )
)
def test_the_digest_of_a_signal_made_by_hand_is_that_of_the_type(signal: Signal) -> None:
    assert signal.digest == SIGNAL_TYPE.hash_struct(signal.struct())


_PRICES = st.decimals("0.00000001", 10**12, places=8)
_AMOUNTS = st.decimals(-(10**12), 10**12, places=8)
_TIMES = st.integers(10**18, 2**63 - 1)
_MONEY = st.builds(Money, _AMOUNTS, st.just("USD"))
_IDS = st.from_regex(r"[A-Za-z0-9_.:-]{1,64}", fullmatch=True)
_SYMBOLS = st.just("BTC/USD")
_ORDERS = st.one_of(
    st.builds(
        Order,
        client_order_id=_IDS,
        symbol=_SYMBOLS,
        side=st.sampled_from(Side),
        type=st.just(OrderType.LIMIT),
        quantity=_PRICES,
        limit_price=_PRICES,
        time_in_force=st.sampled_from([TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK]),
        created_at_ns=_TIMES,
    ),
    st.builds(
        Order,
        client_order_id=_IDS,
        symbol=_SYMBOLS,
        side=st.sampled_from(Side),
        type=st.just(OrderType.LIMIT),
        quantity=_PRICES,
        limit_price=_PRICES,
        time_in_force=st.just(TimeInForce.GTD),
        created_at_ns=st.integers(10**18, 2 * 10**18),
        expires_at_ns=st.integers(3 * 10**18, 2**63 - 1),
    ),
)


@given(_ORDERS)
def test_orders_come_back_from_the_wire(order: Order) -> None:
    sent = on_wire.order_to_wire(order).SerializeToString()
    assert on_wire.order_from_wire(pb.Order.FromString(sent)) == order


@given(_IDS, _PRICES, _PRICES, _MONEY, st.sampled_from(Side), st.sampled_from(Liquidity), _TIMES)
def test_fills_come_back_from_the_wire(
    fill_id: str,
    price: Decimal,
    quantity: Decimal,
    fee: Money,
    side: Side,
    liquidity: Liquidity,
    at_ns: int,
) -> None:
    fill = copy.replace(
        FILL,
        fill_id=fill_id,
        price=price,
        quantity=quantity,
        fee=fee,
        side=side,
        liquidity=liquidity,
        at_ns=at_ns,
    )
    assert on_wire.fill_from_wire(pb.Fill.FromString(on_wire.fill_to_wire(fill).SerializeToString())) == fill


@given(_AMOUNTS, _PRICES, _MONEY, _TIMES)
def test_positions_come_back_from_the_wire(quantity: Decimal, price: Decimal, pnl: Money, at_ns: int) -> None:
    average = price if quantity else None
    position = Position(symbol="BTC/USD", quantity=quantity, average_price=average, realised_pnl=pnl, as_of_ns=at_ns)
    sent = on_wire.position_to_wire(position).SerializeToString()
    assert on_wire.position_from_wire(pb.Position.FromString(sent)) == position


@given(
    st.sampled_from(Direction),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(1, 2**64 - 1),
    st.integers(1, 2**32 - 1),
    st.binary(min_size=32, max_size=32),
)
def test_signals_come_back_from_the_wire(
    direction: Direction, prediction_e8: int, mid_price_e8: int, horizon_seconds: int, model_hash: bytes
) -> None:
    signal = copy.replace(
        SIGNAL,
        direction=direction,
        prediction_e8=prediction_e8,
        mid_price_e8=mid_price_e8,
        horizon_seconds=horizon_seconds,
        model_hash=model_hash,
    )
    sent = on_wire.signal_to_wire(signal).SerializeToString()
    assert on_wire.signal_from_wire(pb.Signal.FromString(sent)) == signal


def test_an_instrument_comes_back_from_the_wire() -> None:
    sent = on_wire.instrument_to_wire(INSTRUMENT).SerializeToString()
    assert on_wire.instrument_from_wire(pb.Instrument.FromString(sent)) == INSTRUMENT


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("side", 0, r"Order\.side is 0: it must be one of BUY, SELL"),
        ("side", 99, r"Order\.side is 99"),
        ("quantity", "0.50", r"Order\.quantity is '0\.50'"),
        ("quantity", "1e3", "in its one writing"),
        ("quantity", "", "in its one writing"),
        ("limit_price", "-1", "above 0"),
        ("symbol", "", "BASE/QUOTE"),
        ("time_in_force", 0, "one of GTC, IOC, FOK, GTD"),
    ],
)
def test_a_message_that_makes_no_sense_becomes_no_order(field: str, value: object, reason: str) -> None:
    message = on_wire.order_to_wire(ORDER)
    setattr(message, field, value)
    with pytest.raises(FieldError, match=reason):
        on_wire.order_from_wire(pb.Order.FromString(message.SerializeToString()))


def test_an_empty_message_becomes_no_record() -> None:
    readers: list[tuple[Callable[[Any], object], type[Any]]] = [
        (on_wire.order_from_wire, pb.Order),
        (on_wire.fill_from_wire, pb.Fill),
        (on_wire.position_from_wire, pb.Position),
        (on_wire.signal_from_wire, pb.Signal),
        (on_wire.instrument_from_wire, pb.Instrument),
        (on_wire.money_from_wire, pb.Money),
    ]
    for read, kind in readers:
        with pytest.raises(FieldError):
            read(kind())
