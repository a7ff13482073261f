from __future__ import annotations

import re
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.exchanges.client_order_id import client_order_id
from noderr.types.trading import FieldError
from noderr.types.trading.checks import check_id

_NUMBERS = st.integers(0, 2**32 - 1)
_KEYS = st.tuples(st.binary(min_size=32, max_size=32), _NUMBERS, _NUMBERS)


def test_pinned_because_a_restarted_node_must_find_its_orders_again() -> None:
    assert client_order_id(bytes(range(32)), 0, 0) == "0120839d-0d1b-8e2c-8cb4-755fa0834a71"
    assert client_order_id(bytes(range(32)), 7, 3) == "670c1173-50bd-82a5-bd1c-4d4088c7484d"


@given(_KEYS)
@settings(max_examples=200, deadline=None)
def test_the_form_that_every_venue_takes(key: tuple[bytes, int, int]) -> None:
    text = client_order_id(*key)
    check_id("test", "id", text)
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text)
    parsed = uuid.UUID(text)
    assert (parsed.version, parsed.variant) == (8, uuid.RFC_4122)


def test_neighbours_differ() -> None:
    trades = [bytes(31) + bytes([number]) for number in range(20)]
    ids = {client_order_id(trade, child, attempt) for trade in trades for child in range(50) for attempt in range(20)}
    assert len(ids) == 20 * 50 * 20


@given(st.lists(_KEYS, max_size=30, unique=True))
@settings(max_examples=100, deadline=None)
def test_other_trades_children_or_attempts_have_other_ids(keys: list[tuple[bytes, int, int]]) -> None:
    assert len({client_order_id(*key) for key in keys}) == len(keys)


@pytest.mark.parametrize(
    ("trade_id", "child", "attempt"), [(b"short", 0, 0), (bytes(32), -1, 0), (bytes(32), 0, 2**32)]
)
def test_what_is_no_key_is_refused(trade_id: bytes, child: int, attempt: int) -> None:
    with pytest.raises(FieldError):
        client_order_id(trade_id, child, attempt)
