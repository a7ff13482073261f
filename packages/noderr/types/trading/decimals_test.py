"""Numbers: exact or refused."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.types.trading.decimals import (
    add,
    decimal_text,
    from_base_units,
    is_exact,
    is_multiple,
    multiply,
    parse_decimal,
    to_base_units,
)
from noderr.types.trading.errors import InexactError

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**24), max_value=10**24, places=12)


@given(NUMBERS)
def test_a_number_has_one_text_and_comes_back(number: Decimal) -> None:
    text = decimal_text(number)
    assert parse_decimal(text) == number
    assert decimal_text(Decimal(text + ("0" if "." in text else ".0"))) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1E+2", "100"),
        ("-0.50", "-0.5"),
        ("-0", "0"),
        ("0.000", "0"),
        ("1E-18", "0.000000000000000001"),
        ("100", "100"),
    ],
)
def test_texts(number: str, text: str) -> None:
    assert decimal_text(Decimal(number)) == text


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1 ", "+1", "1.0", "01", ".5", "5.", "1e3", "1E+2", "-0", "NaN", "Infinity", "1_000", "٣", "9" * 79],
)
def test_any_other_writing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no decimal number|is not how a number is written"):
        parse_decimal(text)


@given(NUMBERS, NUMBERS)
def test_sums_and_products_are_exact(first: Decimal, second: Decimal) -> None:
    assert Fraction(add(first, second)) == Fraction(first) + Fraction(second)
    assert Fraction(multiply(first, second)) == Fraction(first) * Fraction(second)


def test_more_digits_than_there_are_is_an_error_and_no_rounding() -> None:
    with pytest.raises(InexactError):
        add(Decimal("1E+90"), Decimal("1E-90"))


@pytest.mark.parametrize(
    "value", [1, 1.0, "1", None, Decimal("NaN"), Decimal("-Infinity"), Decimal("1E+97"), Decimal("9" * 79)]
)
def test_what_is_no_exact_number(value: object) -> None:
    assert not is_exact(value)


@given(st.integers(0, 2**256 - 1))
def test_base_units_of_a_uint256_are_exact(units: int) -> None:
    amount = from_base_units(units, 18)
    assert Fraction(amount) == Fraction(units, 10**18)
    assert to_base_units(amount, 18) == units


def test_a_part_of_a_unit_is_refused() -> None:
    with pytest.raises(InexactError, match="no whole number of units"):
        to_base_units(Decimal("0.0000001"), 6)


@given(st.integers(1, 10**9), st.integers(1, 10**6), st.integers(0, 8))
def test_multiples(count: int, step: int, places: int) -> None:
    size = Decimal(step).scaleb(-places)
    assert is_multiple(count * size, size)
    assert is_multiple(count * size + size / 2, size) is False
