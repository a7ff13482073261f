from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.execution.errors import CurveError
from noderr.execution.routing import CpmmCurve, route
from noderr.execution.routing.constant_product import MOST_RESERVE
from noderr.execution.routing.testing import SIDES
from noderr.types.trading import Side

D = Decimal
ETHER = 10**18
FEES = st.sampled_from(["0", "0.0005", "0.003", "0.01"]).map(D)


def pool(
    side: Side, base: int = 1_000 * ETHER, quote: int = 3_000_000 * 10**6, fee: str = "0.003", **how: Any
) -> CpmmCurve:
    return CpmmCurve(side, base, quote, fee=D(fee), base_decimals=18, quote_decimals=6, **how)


def exact_price(curve: CpmmCurve, quantity: int, base: int, quote: int, kept: Fraction) -> Fraction:
    """The derivative of the exact cost at a quantity, in quote units per base unit."""
    if curve.side is Side.BUY:
        return Fraction(base * quote) / (kept * (base - quantity) ** 2)
    return Fraction(base * quote) * kept / (base + kept * quantity) ** 2


def test_the_cost_is_what_the_contract_takes() -> None:
    # Published with v2-periphery and v2-core: 0.557... for 1 of (5, 10), and 1.662... for 1 into (5, 10).
    buy = CpmmCurve(Side.BUY, 10 * ETHER, 5 * ETHER, fee=D("0.003"), base_decimals=18, quote_decimals=18)
    sell = CpmmCurve(Side.SELL, 5 * ETHER, 10 * ETHER, fee=D("0.003"), base_decimals=18, quote_decimals=18)
    assert buy.cost(ETHER) == 557227237267357629
    assert sell.cost(ETHER) == -1662497915624478906
    assert route(Side.BUY, D(1), {"pool": buy}).cost == D("0.557227237267357629")
    assert route(Side.SELL, D(1), {"pool": sell}).cost == D("-1.662497915624478906")


@given(st.data(), SIDES, st.integers(1, 10**9), st.integers(1, 10**9))
def test_supply_is_where_the_marginal_price_is(data: st.DataObject, side: Side, share: int, more: int) -> None:
    base, quote = data.draw(st.integers(10**12, 10**26)), data.draw(st.integers(10**6, 10**17))
    fee = data.draw(FEES)
    curve = pool(side, base, quote, str(fee))
    quantity = min(curve.capacity, base - 1) * share // (10**9 + more)
    price = side.sign * exact_price(curve, quantity, base, quote, 1 - Fraction(fee))
    scaled = price * 10**12 * 10**curve.price_digits
    # All units up to here cost less than the price here, and those two further on more.
    assert curve.supply(-(-scaled.numerator // scaled.denominator)) >= quantity
    assert curve.supply(scaled.numerator // scaled.denominator) <= quantity + 2


@given(st.data(), SIDES, st.integers(1, 1000))
def test_the_fee_is_what_it_costs_more_than_without(data: st.DataObject, side: Side, thousandths: int) -> None:
    base = data.draw(st.integers(10**15, 10**26))
    with_fee, without = pool(side, base), pool(side, base, fee="0")
    quantity = base * thousandths // 2000
    assert with_fee.fees(quantity) == with_fee.cost(quantity) - without.cost(quantity)
    if side is Side.BUY:
        # 0.3 % of what goes in.
        assert with_fee.fees(quantity) == pytest.approx(with_fee.cost(quantity) * 3 / 1000, rel=1e-6, abs=2)


@settings(max_examples=200)
@given(
    SIDES,
    st.integers(10**12, 10**26),
    st.integers(10**6, 10**17),
    FEES,
    st.sampled_from([None, D("0.0001"), D("0.000000001")]),
    st.integers(1, 3000),
    st.integers(1, 10**9),
)
def test_inside_a_limit_every_order_honours_it(
    side: Side, base: int, quote: int, fee: Decimal, lot_size: Decimal | None, permille: int, share: int
) -> None:
    curve = pool(side, base, quote, str(fee), lot_size=lot_size)
    limit = (Fraction(quote, base) * 10**12 * permille / 1000).limit_denominator(10**15)
    limit_price = D(limit.numerator * 10**18 // limit.denominator + 1).scaleb(-18)
    part = curve.within(limit_price)
    for quantity in {part.least, max(part.least, part.capacity * share // 10**9), part.capacity}:
        if part.least <= quantity <= part.capacity:
            average = Fraction(abs(part.cost(quantity)), quantity) * 10**12
            worst = Fraction(part.worst_price(quantity))
            assert average * side.sign <= worst * side.sign <= Fraction(limit_price) * side.sign
    if part.least <= part.capacity < curve.capacity:
        after = exact_price(curve, part.capacity + part.lot, base, quote, 1 - Fraction(fee)) * 10**12
        assert after * side.sign > Fraction(limit_price) * side.sign


def test_no_reserve_is_emptied_or_overflows() -> None:
    assert pool(Side.BUY, base=100 * ETHER).capacity < 100 * ETHER
    assert pool(Side.SELL).capacity == MOST_RESERVE - 1_000 * ETHER
    full = pool(Side.BUY, quote=MOST_RESERVE - 10**9)
    assert full.cost(full.capacity) <= 10**9
    assert pool(Side.BUY, quote=MOST_RESERVE).capacity == 0


def test_a_limit_that_the_pool_does_not_reach_leaves_nothing() -> None:
    assert pool(Side.BUY).within(D(3000)).capacity == 0
    assert pool(Side.SELL).within(D(3000)).capacity == 0
    assert pool(Side.BUY).within(D(3010)).capacity > 0


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"base": 0}, "base_reserve"),
        ({"quote": MOST_RESERVE + 1}, "quote_reserve"),
        ({"fee": "1"}, "fee"),
        ({"fee": "-0.1"}, "fee"),
        ({"fee": "NaN"}, "fee"),
        ({"lot_size": D("1e-19")}, "lot_size"),
        ({"lot_size": D(0)}, "lot_size"),
        ({"lot_size": D("NaN")}, "no finite number"),
    ],
)
def test_what_is_no_pool_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(CurveError, match=words):
        pool(Side.BUY, **wrong)


def test_decimals_that_no_token_has_are_refused() -> None:
    with pytest.raises(CurveError, match="base_decimals"):
        CpmmCurve(Side.BUY, 1, 1, fee=D(0), base_decimals=37, quote_decimals=6)
