"""Canonical text: RFC 8785's own examples, and what must be refused."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.types.canonical_json import CanonicalError, canonical_digest, canonical_json


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 2


@dataclass(frozen=True)
class Record:
    name: str
    amount: Decimal
    at_ns: int
    colour: Colour
    level: Level
    raw: bytes
    on: bool
    inner: tuple[Record, ...] = ()


def test_members_are_ordered_as_rfc_8785_orders_them() -> None:
    # Section 3.2.3: by UTF-16 code units, so that the emoji comes before U+FB33.
    members = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"): "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    text = canonical_json(members).decode()
    order = ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"]
    assert sorted(order, key=text.index) == order


def test_text_is_escaped_as_rfc_8785_escapes_it() -> None:
    # Section 3.2.2, the member "string".
    text = "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/"
    assert canonical_json([text]).decode() == '["\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"]'


def test_a_record_has_one_text() -> None:
    inner = Record("b", Decimal("-0"), 1, Colour.RED, Level.HIGH, b"", False)
    record = Record("a", Decimal("1.50"), 2**63, Colour.RED, Level.HIGH, b"\x00\xff", True, (inner,))
    assert canonical_json(record) == (
        b'{"amount":"1.5","at_ns":"9223372036854775808","colour":"red","inner":[{"amount":"0","at_ns":"1","colour":"red",'
        b'"inner":[],"level":"2","name":"b","on":false,"raw":"0x"}],"level":"2","name":"a","on":true,"raw":"0x00ff"}'
    )


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=8))
def test_equal_numbers_have_equal_digests(number: Decimal) -> None:
    assert canonical_digest([number]) == canonical_digest([number * Decimal("1.0")])


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"price": 1.5}, r"dict\.price is 1\.5, a float: use a Decimal"),
        ([Decimal("NaN")], r"list\[0\] is Decimal\('NaN'\)"),
        ({1: "x"}, "keys are text"),
        ([{"a": {2, 3}}], r"list\[0\]\.a is .* a set"),
        (["\ud800"], "no Unicode"),
    ],
)
def test_what_has_no_canonical_text_is_refused(value: object, reason: str) -> None:
    with pytest.raises(CanonicalError, match=reason):
        canonical_json(value)
