from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import ccxt  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.exchanges.rounding import round_to_lot, round_to_tick
from noderr.types.trading import Instrument, Side
from noderr.types.trading.decimals import is_exact
from noderr.types.trading.errors import FieldError

# Of as many digits as a record takes.
POSITIVE = st.decimals(min_value="1e-12", max_value="1e12", allow_nan=False, allow_infinity=False).filter(is_exact)
STEPS = st.sampled_from(["1e-8", "0.00001", "0.0025", "0.05", "0.3", "1", "7", "1E+2"]).map(Decimal)


def of(tick: Decimal | str, lot: Decimal | str = "0.001") -> Instrument:
    return Instrument(
        symbol="BTC/USD",
        tick_size=Decimal(tick),
        lot_size=Decimal(lot),
        min_quantity=Decimal(0),
        min_notional=Decimal(0),
    )


@pytest.mark.parametrize(
    ("price", "buys_at", "sells_at"),
    [("100.07", "100.05", "100.1"), ("100.05", "100.05", "100.05"), ("100.0999", "100.05", "100.1")],
)
def test_a_limit_is_never_worse_than_asked(price: str, buys_at: str, sells_at: str) -> None:
    assert round_to_tick(Decimal(price), of("0.05"), Side.BUY) == Decimal(buys_at)
    assert round_to_tick(Decimal(price), of("0.05"), Side.SELL) == Decimal(sells_at)


@given(POSITIVE, STEPS, st.sampled_from(Side))
def test_the_nearest_tick_that_is_not_worse(price: Decimal, tick: Decimal, side: Side) -> None:
    instrument = of(tick)
    if side is Side.BUY and price < tick:
        with pytest.raises(FieldError, match="price"):
            round_to_tick(price, instrument, side)
        return
    rounded = round_to_tick(price, instrument, side)
    better = (Fraction(price) - Fraction(rounded)) * side.sign
    assert Fraction(rounded) % Fraction(tick) == 0
    assert 0 <= better < Fraction(tick)
    assert round_to_tick(rounded, instrument, side) == rounded


@given(POSITIVE, STEPS)
def test_the_most_whole_lots(quantity: Decimal, lot: Decimal) -> None:
    rounded = round_to_lot(quantity, of("1", lot))
    assert Fraction(rounded) % Fraction(lot) == 0
    assert 0 <= Fraction(quantity) - Fraction(rounded) < Fraction(lot)
    assert round_to_lot(rounded, of("1", lot)) == rounded


@given(st.integers(1, 10**15), st.integers(0, 12), STEPS)
def test_lots_are_cut_as_ccxt_cuts_them(digits: int, places: int, lot: Decimal) -> None:
    quantity = Decimal(digits).scaleb(-places)
    theirs = ccxt.decimal_to_precision(
        format(quantity, "f"), ccxt.TRUNCATE, format(lot, "f"), counting_mode=ccxt.TICK_SIZE
    )
    assert round_to_lot(quantity, of("1", lot)) == Decimal(theirs)


@pytest.mark.parametrize("wrong", [Decimal("NaN"), Decimal(-1), Decimal("Infinity"), 1.5])
def test_what_is_no_number_is_refused(wrong: Decimal) -> None:
    with pytest.raises(FieldError):
        round_to_tick(wrong, of("1"), Side.SELL)
    with pytest.raises(FieldError):
        round_to_lot(wrong, of("1"))


def test_less_than_a_lot_is_nothing() -> None:
    assert round_to_lot(Decimal("0.0009"), of("1")) == 0
