"""Trade proposals: one digest for one proposal, everything in it signed, and back from the wire as they were."""

from __future__ import annotations

import copy
import dataclasses
from decimal import Decimal
from typing import Any

import pytest
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from noderr.types.consensus.evidence import Evidence, verify_evidence
from noderr.types.consensus.signed import AccountSignatures, sign
from noderr.types.consensus.trade_proposal import (
    TRADE_PROPOSAL_TYPE,
    SignalReference,
    TradeProposal,
    trade_proposal_from_wire,
    trade_proposal_to_wire,
)
from noderr.types.eip712 import Domain
from noderr.types.keccak import keccak256
from noderr.types.signing.account_key import AccountKey
from noderr.types.trading import FieldError, Order, OrderType, Side, TimeInForce
from noderr.types.wire import guardian_pb2 as pb

NOW_S = 1_790_000_000
DOMAIN = Domain("NodeOS", "1", 84532, b"\xaa" * 20)
ORDER = Order(
    client_order_id="a-1",
    symbol="BTC/USD",
    side=Side.BUY,
    type=OrderType.LIMIT,
    quantity=Decimal("0.5"),
    limit_price=Decimal("64000.1"),
    created_at_ns=NOW_S * 10**9,
)
MARKET = copy.replace(ORDER, type=OrderType.MARKET, limit_price=None, time_in_force=TimeInForce.IOC)
DATED = copy.replace(ORDER, time_in_force=TimeInForce.GTD, expires_at_ns=NOW_S * 10**9 + 1)
SIGNAL = SignalReference(epoch=8, round=3, topic=b"\1" * 32, agreed_signal=b"\2" * 32)
PROPOSAL = TradeProposal(
    id=b"\3" * 32,
    epoch=9,
    round=5,
    order=ORDER,
    signal=SIGNAL,
    snapshot=b"\4" * 32,
    ruleset=b"\5" * 32,
    expires_at_s=NOW_S + 5,
)

ORDERS = st.builds(
    copy.replace,
    st.sampled_from([ORDER, MARKET, DATED]),
    side=st.sampled_from(Side),
    quantity=st.decimals(min_value=Decimal("1e-18"), max_value=10**12, places=18),
    client_order_id=st.from_regex(r"[A-Za-z0-9_.:-]{1,64}", fullmatch=True),
)
DIGESTS = st.binary(min_size=32, max_size=32)
NUMBERS = st.integers(0, 2**64 - 1)
PROPOSALS = st.builds(
    TradeProposal,
    id=DIGESTS,
    epoch=NUMBERS,
    round=NUMBERS,
    order=ORDERS,
    signal=st.builds(SignalReference, epoch=NUMBERS, round=NUMBERS, topic=DIGESTS, agreed_signal=DIGESTS),
    snapshot=DIGESTS,
    ruleset=DIGESTS,
    expires_at_s=st.integers(NOW_S + 1, 2**64 - 1),
)


@given(PROPOSALS)
def test_a_proposal_comes_back_from_the_wire(proposal: TradeProposal) -> None:
    sent = trade_proposal_to_wire(proposal).SerializeToString()
    received = trade_proposal_from_wire(pb.TradeProposal.FromString(sent))
    assert received == proposal
    assert received.digest == proposal.digest


@given(PROPOSALS)
def test_the_signed_digest_is_that_of_eth_account(proposal: TradeProposal) -> None:
    types = {}
    for part in TRADE_PROPOSAL_TYPE.encoded.rstrip(")").split(")"):
        name, _, members = part.partition("(")
        pairs = [member.split(" ") for member in members.split(",")]
        types[name] = [{"name": member, "type": kind} for kind, member in pairs]
    theirs = encode_typed_data(
        {"name": "NodeOS", "version": "1", "chainId": 84532, "verifyingContract": "0x" + "aa" * 20},
        types,
        dict(proposal.struct()),
    )
    assert proposal.digest_in(DOMAIN) == keccak256(b"\x19" + theirs.version + theirs.header + theirs.body)


def test_one_number_written_twice_is_one_proposal() -> None:
    written = copy.replace(ORDER, quantity=Decimal("0.500"), limit_price=Decimal("6.40001E+4"))
    assert copy.replace(PROPOSAL, order=written).digest == PROPOSAL.digest


def test_every_field_changes_the_digest() -> None:
    changes: list[tuple[str, Any]] = [
        ("id", b"\6" * 32),
        ("epoch", 10),
        ("round", 6),
        ("snapshot", b"\6" * 32),
        ("ruleset", b"\6" * 32),
        ("expires_at_s", NOW_S + 6),
    ]
    others = [copy.replace(PROPOSAL, **{field: value}) for field, value in changes]
    signal_changes: list[tuple[str, Any]] = [
        ("epoch", 9),
        ("round", 4),
        ("topic", b"\6" * 32),
        ("agreed_signal", b"\6" * 32),
    ]
    for field, value in signal_changes:
        others.append(copy.replace(PROPOSAL, signal=copy.replace(SIGNAL, **{field: value})))
    order_changes: list[tuple[str, Any]] = [
        ("client_order_id", "a-2"),
        ("symbol", "ETH/USD"),
        ("side", Side.SELL),
        ("quantity", Decimal("0.6")),
        ("limit_price", Decimal("64000.2")),
        ("time_in_force", TimeInForce.FOK),
        ("created_at_ns", NOW_S * 10**9 + 1),
    ]
    orders = [copy.replace(ORDER, **{field: value}) for field, value in order_changes]
    others += [copy.replace(PROPOSAL, order=order) for order in [*orders, MARKET, DATED]]
    named = {field.name for field in dataclasses.fields(TradeProposal)} - {"order", "signal"}
    assert named == {field for field, _ in changes}
    assert {field.name for field in dataclasses.fields(SignalReference)} == {field for field, _ in signal_changes}
    assert len({PROPOSAL.digest, *(other.digest for other in others)}) == 1 + len(others)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("id", b"\3" * 31, r"TradeProposal\.id .* 32 bytes"),
        ("snapshot", b"", r"TradeProposal\.snapshot"),
        ("ruleset", b"\3" * 33, r"TradeProposal\.ruleset"),
        ("expires_at_unix_s", 0, r"TradeProposal\.expires_at_s is 0"),
        ("expires_at_unix_s", NOW_S, "later than the order's created_at_ns"),
    ],
)
def test_a_message_that_makes_no_sense_becomes_no_proposal(field: str, value: object, reason: str) -> None:
    message = trade_proposal_to_wire(PROPOSAL)
    setattr(message, field, value)
    with pytest.raises(FieldError, match=reason):
        trade_proposal_from_wire(pb.TradeProposal.FromString(message.SerializeToString()))


@pytest.mark.parametrize(("part", "reason"), [("order", r"Order\."), ("signal", r"SignalReference\.topic")])
def test_a_message_without_a_part_becomes_no_proposal(part: str, reason: str) -> None:
    message = trade_proposal_to_wire(PROPOSAL)
    message.ClearField(part)  # type: ignore[arg-type]  # One of the names that it takes.
    with pytest.raises(FieldError, match=reason):
        trade_proposal_from_wire(message)


@pytest.mark.parametrize(("field", "value"), [("epoch", -1), ("round", 2**64), ("expires_at_s", True)])
def test_numbers_that_a_contract_cannot_hold_are_refused(field: str, value: object) -> None:
    with pytest.raises(FieldError, match=rf"TradeProposal\.{field}"):
        copy.replace(PROPOSAL, **{field: value})  # type: ignore[arg-type]


def test_two_proposals_of_one_id_in_one_round_are_evidence() -> None:
    key = AccountKey(b"\1" * 32)
    other = copy.replace(PROPOSAL, snapshot=b"\6" * 32)
    verify_evidence(Evidence(sign(PROPOSAL, key, DOMAIN), sign(other, key, DOMAIN)), DOMAIN, AccountSignatures())
