"""A round is a price just inside every limit, and just outside of it a named error."""

from __future__ import annotations

import copy
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from noderr.data_connectors.chainlink_errors import (
    ChainlinkError,
    InvalidRound,
    PriceDeviates,
    SequencerDown,
    StalePrice,
    WrongFeed,
)
from noderr.data_connectors.chainlink_round import (
    DECIMALS_CALL,
    LATEST_ROUND_CALL,
    FeedPrice,
    FeedSettings,
    Round,
    check_decimals,
    check_deviation,
    check_sequencer,
    decode_round,
    price_of,
)
from noderr.types.trading.errors import FieldError

SECOND_NS = 1_000_000_000
NOW_S = 1_790_000_000
NOW_NS = NOW_S * SECOND_NS
FEED = FeedSettings(
    symbol="BTC/USD",
    chain_id=84532,
    address=b"\xfe" * 20,
    decimals=8,
    heartbeat_seconds=3600,
    sequencer=b"\x5e" * 20,
)
ROUND = Round(round_id=7, answer=64_000_12345678, started_at_s=NOW_S - 10, updated_at_s=NOW_S - 9)
UP = Round(round_id=1, answer=0, started_at_s=NOW_S - 3601, updated_at_s=NOW_S - 3601)
ROUND_TYPES = ("uint80", "int256", "uint256", "uint256", "uint80")


def price(**changes: Any) -> FeedPrice:
    return price_of(FEED, copy.replace(ROUND, **changes), 7, NOW_NS)


def test_a_round_is_an_exact_price() -> None:
    assert price() == FeedPrice(
        symbol="BTC/USD",
        price=Decimal("64000.12345678"),
        round_id=7,
        updated_at_ns=NOW_NS - 9 * SECOND_NS,
        read_at_ns=NOW_NS,
    )


@pytest.mark.parametrize("answer", [1, 10**8, 2**255 - 1])
@pytest.mark.parametrize("decimals", [0, 8, 18, 36])
def test_no_digit_is_lost(answer: int, decimals: int) -> None:
    feed = copy.replace(FEED, decimals=decimals)
    found = price_of(feed, copy.replace(ROUND, answer=answer), 0, NOW_NS).price
    assert Fraction(found) == Fraction(answer, 10**decimals)


@pytest.mark.parametrize(
    ("changes", "what", "value"),
    [
        ({"answer": 0}, "the answer", 0),
        ({"answer": -1}, "the answer", -1),
        ({"answer": -(2**255)}, "the answer", -(2**255)),
        ({"updated_at_s": 0}, "updatedAt", "0 s"),
        ({"updated_at_s": NOW_S + 1}, "updatedAt", f"{NOW_S + 1} s"),
        ({"updated_at_s": 2**256 - 1}, "updatedAt", f"{2**256 - 1} s"),
        ({"round_id": 0}, "the round's id", 0),
        ({"round_id": 6}, "the round's id", 6),
        ({"round_id": 2**80}, "the round's id", 2**80),
    ],
)
def test_an_impossible_round_is_no_price(changes: dict[str, Any], what: str, value: object) -> None:
    with pytest.raises(InvalidRound, match=f"^BTC/USD: {what} is ") as invalid:
        price(**changes)
    assert (invalid.value.feed, invalid.value.value) == ("BTC/USD", value)


def test_a_price_holds_for_one_and_a_half_heartbeats() -> None:
    oldest = NOW_S - 5400
    assert price(updated_at_s=oldest).updated_at_ns == oldest * SECOND_NS
    assert price(updated_at_s=NOW_S).updated_at_ns == NOW_NS
    with pytest.raises(
        StalePrice, match=f"age is {5400 * SECOND_NS + 1} ns, .* at most {5400 * SECOND_NS} ns"
    ) as stale:
        price_of(FEED, copy.replace(ROUND, updated_at_s=oldest), 7, NOW_NS + 1)
    assert (stale.value.feed, stale.value.limit) == ("BTC/USD", f"at most {5400 * SECOND_NS} ns")


def test_each_feed_has_its_own_heartbeat() -> None:
    # An odd one, whose half is no whole second.
    feed = copy.replace(FEED, heartbeat_seconds=27)
    found = copy.replace(ROUND, updated_at_s=NOW_S)
    limit_ns = 40_500_000_000
    assert price_of(feed, found, 7, NOW_NS + limit_ns).round_id == 7
    with pytest.raises(StalePrice):
        price_of(feed, found, 7, NOW_NS + limit_ns + 1)


def test_there_is_no_round_zero() -> None:
    with pytest.raises(InvalidRound, match="the round's id is 0, and it must be 1 to"):
        price_of(FEED, copy.replace(ROUND, round_id=0), 0, NOW_NS)


def test_the_same_and_a_later_round_count() -> None:
    assert price(round_id=7).round_id == 7
    assert price(round_id=2**80 - 1).round_id == 2**80 - 1


def test_a_sequencer_is_up_for_the_grace_period_first() -> None:
    check_sequencer(FEED, UP, NOW_NS)
    with pytest.raises(SequencerDown, match=rf"time up is {3600 * SECOND_NS} ns, .* more than 3600 s"):
        check_sequencer(FEED, UP, NOW_NS - SECOND_NS)
    check_sequencer(copy.replace(FEED, grace_seconds=10), UP, NOW_NS - 3590 * SECOND_NS)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"answer": 1}, "the sequencer's status is 1"),
        ({"answer": 2}, "the sequencer's status is 2"),
        ({"answer": -1}, "the sequencer's status is -1"),
        ({"started_at_s": 0}, "the sequencer's start is 0 s"),
        ({"started_at_s": NOW_S + 1}, f"the sequencer's start is {NOW_S + 1} s"),
        ({"started_at_s": NOW_S}, "the sequencer's time up is 0 ns"),
    ],
)
def test_a_sequencer_that_is_not_surely_up_is_down(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(SequencerDown, match=f"^BTC/USD: {what}") as down:
        check_sequencer(FEED, copy.replace(UP, **changes), NOW_NS)
    assert isinstance(down.value, ChainlinkError)


@given(
    st.integers(0, 2**80 - 1),
    st.integers(-(2**255), 2**255 - 1),
    st.integers(0, 2**256 - 1),
    st.integers(0, 2**256 - 1),
)
def test_a_round_is_read_as_eth_abi_writes_it(round_id: int, answer: int, started: int, updated: int) -> None:
    output = encode(ROUND_TYPES, (round_id, answer, started, updated, round_id))
    assert decode_round("BTC/USD", output) == Round(round_id, answer, started, updated)


@pytest.mark.parametrize("length", [0, 32, 159, 161, 192])
def test_another_length_is_no_round(length: int) -> None:
    with pytest.raises(WrongFeed, match=f"is {length} bytes, and it must be 160 bytes"):
        decode_round("BTC/USD", bytes(length))


@pytest.mark.parametrize("output", [b"", encode(("uint8",), (18,)), encode(("uint256",), (2**255 + 8,)), b"\x08"])
def test_other_decimals_are_another_feed(output: bytes) -> None:
    check_decimals(FEED, encode(("uint8",), (8,)))
    with pytest.raises(WrongFeed, match=r"decimals\(\) is .*, and it must be 8"):
        check_decimals(FEED, output)


def test_the_selectors_are_those_of_the_published_interface() -> None:
    # AggregatorV3Interface's, as 4byte.directory lists them.
    assert (LATEST_ROUND_CALL.hex(), DECIMALS_CALL.hex()) == ("feaf968c", "313ce567")


@pytest.mark.parametrize(
    ("other", "fits"),
    [("100", True), ("98.0392156862745099", True), ("98.0392156862745098", False), ("98", False), ("103", False)],
)
def test_the_alarm_is_at_two_hundredths_of_the_other_price(other: str, fits: bool) -> None:
    found = price(answer=100 * 10**8)
    if fits:
        check_deviation(FEED, found, Decimal(other))
        return
    with pytest.raises(PriceDeviates, match=rf"the price is 100, .* within 200 bps of {other}"):
        check_deviation(FEED, found, Decimal(other))


def test_just_two_hundredths_are_no_alarm() -> None:
    for answer in (98, 102):
        check_deviation(FEED, price(answer=answer * 10**8), Decimal(100))
    for answer in (98 * 10**8 - 1, 102 * 10**8 + 1):
        with pytest.raises(PriceDeviates):
            check_deviation(FEED, price(answer=answer), Decimal(100))


@given(st.integers(1, 10**30), st.integers(1, 10**30), st.integers(1, 10_000))
def test_the_alarm_is_what_fractions_say(answer: int, other: int, limit: int) -> None:
    feed = copy.replace(FEED, decimals=18, deviation_bps=limit)
    found = price_of(feed, copy.replace(ROUND, answer=answer), 0, NOW_NS)
    wrong = abs(Fraction(answer, 10**18) - other) / other > Fraction(limit, 10_000)
    if wrong:
        with pytest.raises(PriceDeviates):
            check_deviation(feed, found, Decimal(other))
    else:
        check_deviation(feed, found, Decimal(other))


@pytest.mark.parametrize("other", [Decimal(0), Decimal(-1), Decimal("NaN"), 64_000.0])
def test_the_other_price_is_a_price(other: Any) -> None:
    with pytest.raises(FieldError, match="other"):
        check_deviation(FEED, price(), other)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("symbol", "BTC"),
        ("chain_id", 0),
        ("address", b"\1" * 19),
        ("decimals", -1),
        ("decimals", 37),
        ("heartbeat_seconds", 0),
        ("sequencer", b""),
        ("grace_seconds", -1),
        ("deviation_bps", 0),
    ],
)
def test_settings_make_sense(field: str, value: Any) -> None:
    with pytest.raises(FieldError, match=field):
        copy.replace(FEED, **{field: value})
