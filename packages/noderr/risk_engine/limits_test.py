"""The limits: what they refuse to be, their digest, and their file."""

from __future__ import annotations

import copy
import dataclasses
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from noderr.risk_engine import LimitsError, RiskLimits
from noderr.risk_engine.limits_file import read_limits
from noderr.risk_engine.testing import instrument, limits
from noderr.types.trading import FieldError

FILE: dict[str, Any] = {
    "version": 1,
    "currency": "USD",
    "gross_fraction": "0.5",
    "instruments": [
        {
            "group": "btc",
            "max_quantity": 5,
            "instrument": {
                "symbol": "BTC/USD",
                "tick_size": 0.01,
                "lot_size": "0.001",
                "min_quantity": "0.001",
                "min_notional": "10",
            },
        }
    ],
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", 0),
        ("currency", "usd"),
        ("gross_fraction", Decimal("-0.1")),
        ("gross_fraction", Decimal("NaN")),
        ("gross_fraction", 0.5),
        ("order_notional", Decimal("Infinity")),
        ("open_orders", -1),
        ("repeats", 2.5),
        ("snapshot_age_ms", 86_400_001),
        ("allow_short", 1),
        ("flow_window_ms", 59_999),
        ("instruments", (instrument("ETH/USD"), instrument("BTC/USD"))),
        ("instruments", (instrument("BTC/USD"), instrument("BTC/USD"))),
        ("instruments", (instrument("BTC/EUR"),)),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(field: str, value: object) -> None:
    with pytest.raises(FieldError) as caught:
        limits(**{field: value})
    assert caught.value.field == field


def test_every_field_is_in_the_digest() -> None:
    usual = limits()
    digests = {usual.digest}
    for field in dataclasses.fields(RiskLimits):
        value = getattr(usual, field.name)
        other: Any = {"currency": "USD", "instruments": (instrument(),)}.get(field.name)
        if isinstance(value, bool):
            other = not value
        elif isinstance(value, int | Decimal):
            other = value + 1
        if field.name != "currency":
            digests.add(copy.replace(usual, **{field.name: other}).digest)
    assert len(digests) == len(dataclasses.fields(RiskLimits))
    assert limits(instruments=(), currency="EUR").digest != limits(instruments=()).digest


def test_how_a_number_is_written_changes_no_digest() -> None:
    assert limits(gross_fraction=Decimal("0.50")).digest == limits(gross_fraction=Decimal("0.5")).digest


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "limits.json"
    path.write_text(json.dumps(FILE))
    assert read_limits(path).digest == limits(gross_fraction=Decimal("0.5"), instruments=(instrument(),)).digest


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"gros_fraction": "0.1"}, "there is no gros_fraction"),
        ({"gross_fraction": "-1"}, "gross_fraction"),
        ({"gross_fraction": "much"}, "gross_fraction"),
        ({"version": None}, "version"),
        ({"instruments": [FILE["instruments"][0] | {"fractoin": 1}]}, "there is no instruments.fractoin"),
        ({"instruments": [{"group": "btc"}]}, "instrument"),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_name(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    path = tmp_path / "limits.json"
    path.write_text(json.dumps(FILE | change))
    with pytest.raises(LimitsError, match=words) as caught:
        read_limits(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b" " * ((1 << 20) + 1)])
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "limits.json"
    path.write_bytes(content)
    with pytest.raises(LimitsError, match=r"limits\.json: "):
        read_limits(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LimitsError, match="cannot be read"):
        read_limits(tmp_path / "limits.json")
