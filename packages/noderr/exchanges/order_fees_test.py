"""Fees of one order: rounded up once over all its fills, never above what was reckoned with."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.exchanges.order_fees import OrderFees

DIGITS = 8
UNIT = Fraction(1, 10**DIGITS)
notionals = st.decimals(min_value="0.000000001", max_value=10**6, places=12)
rates = st.sampled_from([Decimal("0.0026"), Decimal("0.0016"), Decimal(0), Decimal("-0.0001"), Decimal("0.000333")])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(notionals.filter(lambda one: one > Decimal("0.00001")), rates), min_size=1, max_size=20))
def test_many_fills_cost_no_more_than_one(fills: list[tuple[Decimal, Decimal]]) -> None:
    fees, owed, charged = OrderFees(DIGITS), Fraction(0), Fraction(0)
    for notional, rate in fills:
        fee = Fraction(fees.charge(notional, rate))
        exact = Fraction(notional) * Fraction(rate)
        assert abs(fee - exact) < UNIT
        owed += exact
        charged += fee
        assert charged == math.ceil(owed / UNIT) * UNIT
    assert fees.charged == charged


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(notionals, rates), max_size=10), st.lists(st.tuples(notionals, rates), max_size=10))
def test_what_was_reckoned_with_is_enough(
    before: list[tuple[Decimal, Decimal]], after: list[tuple[Decimal, Decimal]]
) -> None:
    fees = OrderFees(DIGITS)
    for notional, rate in before:
        fees.charge(notional, rate)
    at_most = fees.at_most(sum((notional for notional, _ in after), Decimal(0)), Decimal("0.0026"))
    assert sum((fees.charge(notional, rate) for notional, rate in after), Decimal(0)) <= at_most


def test_a_fee_is_never_more_than_the_notional_and_comes_later() -> None:
    fees = OrderFees(2)
    assert fees.charge(Decimal("0.004"), Decimal("0.0026")) == Decimal("0.004")
    assert fees.charge(Decimal(10), Decimal("0.0026")) == Decimal("0.026")
    assert fees.charged == Decimal("0.03")


def test_what_was_charged_before_a_restart_is_not_charged_again() -> None:
    fees = OrderFees(2, charged=Decimal("0.03"))
    assert fees.charge(Decimal(10), Decimal("0.0026")) == Decimal("0.03")
