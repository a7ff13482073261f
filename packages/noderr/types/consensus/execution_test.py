"""Executions: one digest for one execution, everything in it signed, and back from the wire as they were."""

from __future__ import annotations

import copy
import dataclasses
from decimal import Decimal
from typing import Any

import pytest
from eth_account.messages import encode_typed_data
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.types.consensus.certificate import Certificate, VoterSignature
from noderr.types.consensus.certificate_reference import CERTIFICATE_TYPE, CertificateReference, certificate_digest
from noderr.types.consensus.evidence import Evidence, verify_evidence
from noderr.types.consensus.execution import EXECUTION_REPORT_TYPE, MAX_FILLS, Execution, ExecutionReport
from noderr.types.consensus.execution_on_wire import execution_report_from_wire, execution_report_to_wire
from noderr.types.consensus.signed import AccountSignatures, sign
from noderr.types.consensus.vote import Choice
from noderr.types.eip712 import Domain, StructType, typed_data_digest
from noderr.types.keccak import keccak256
from noderr.types.signing.account_key import AccountKey
from noderr.types.trading import FieldError, Fill, Liquidity, Money, Order, OrderType, Side
from noderr.types.wire import execution_pb2 as pb

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
FILL = Fill(
    fill_id="f-1",
    client_order_id="a-1",
    venue="kraken",
    symbol="BTC/USD",
    side=Side.BUY,
    price=Decimal("64000"),
    quantity=Decimal("0.2"),
    fee=Money(Decimal("12.8"), "USD"),
    liquidity=Liquidity.TAKER,
    at_ns=NOW_S * 10**9 + 1,
)
LATER = copy.replace(FILL, fill_id="f-2", at_ns=FILL.at_ns + 1, fee=Money(Decimal("-0.1"), "BTC"))
ORACLES = CertificateReference(epoch=8, round=3, topic=b"\1" * 32, certificate=b"\2" * 32)
GUARDIANS = CertificateReference(epoch=9, round=5, topic=b"\3" * 32, certificate=b"\4" * 32)
EXECUTION = Execution(
    trade_id=b"\3" * 32,
    executor=b"\5" * 20,
    proposal=b"\6" * 32,
    oracles=ORACLES,
    guardians=GUARDIANS,
    order=ORDER,
    fills=(FILL, LATER),
)
REPORT = ExecutionReport(epoch=1, round=7, execution=EXECUTION, settlement_transaction=b"\7" * 32)
CERTIFICATE = Certificate(
    tier=3,
    epoch=8,
    round=3,
    topic=b"\1" * 32,
    subject=b"\2" * 32,
    choice=Choice.APPROVE,
    expires_at_s=NOW_S,
    signatures=(
        VoterSignature(voter=b"\1" * 20, codes=1, signature=b"\1" * 65),
        VoterSignature(voter=b"\2" * 20, codes=2, signature=b"\2" * 65),
    ),
)

DIGESTS = st.binary(min_size=32, max_size=32)
NUMBERS = st.integers(0, 2**64 - 1)
AMOUNTS = st.decimals(min_value=Decimal("1e-18"), max_value=10**12, places=18)
FILLS = st.builds(
    copy.replace,
    st.just(FILL),
    fill_id=st.from_regex(r"[A-Za-z0-9_.:-]{1,64}", fullmatch=True),
    side=st.sampled_from(Side),
    price=AMOUNTS,
    quantity=AMOUNTS,
    fee=st.builds(Money, st.decimals(-(10**6), 10**6, places=18), st.sampled_from(["USD", "BTC"])),
    liquidity=st.sampled_from(Liquidity),
    at_ns=st.integers(NOW_S * 10**9, 2**63 - 1),
)
REFERENCES = st.builds(CertificateReference, epoch=NUMBERS, round=NUMBERS, topic=DIGESTS, certificate=DIGESTS)


def ascending(fills: list[Fill]) -> tuple[Fill, ...]:
    return tuple(sorted(fills, key=lambda fill: (fill.at_ns, fill.venue, fill.fill_id)))


EXECUTIONS = st.builds(
    Execution,
    trade_id=DIGESTS,
    executor=st.binary(min_size=20, max_size=20),
    proposal=DIGESTS,
    oracles=REFERENCES,
    guardians=REFERENCES,
    order=st.just(ORDER),
    fills=st.lists(FILLS, min_size=1, max_size=4, unique_by=lambda fill: fill.fill_id).map(ascending),
)
REPORTS = st.builds(
    ExecutionReport,
    epoch=NUMBERS,
    round=NUMBERS,
    execution=EXECUTIONS,
    settlement_transaction=st.none() | DIGESTS.filter(any),
)


def theirs(struct: StructType, value: dict[str, Any]) -> bytes:
    """The digest that eth-account signs."""
    types = {}
    for part in struct.encoded.rstrip(")").split(")"):
        name, _, members = part.partition("(")
        pairs = [member.split(" ") for member in members.split(",")]
        types[name] = [{"name": member, "type": kind} for kind, member in pairs]
    domain = {"name": "NodeOS", "version": "1", "chainId": 84532, "verifyingContract": "0x" + "aa" * 20}
    message = encode_typed_data(domain, types, value)
    return keccak256(b"\x19" + message.version + message.header + message.body)


@given(REPORTS)
def test_a_report_comes_back_from_the_wire(report: ExecutionReport) -> None:
    received = execution_report_from_wire(
        pb.ExecutionReport.FromString(execution_report_to_wire(report).SerializeToString())
    )
    assert received == report
    assert received.digest == report.digest
    assert received.execution.digest == report.execution.digest


@settings(max_examples=50)
@given(REPORTS)
def test_the_signed_digest_is_that_of_eth_account(report: ExecutionReport) -> None:
    assert report.digest_in(DOMAIN) == theirs(EXECUTION_REPORT_TYPE, dict(report.struct()))


def test_a_certificates_digest_is_that_of_eth_account_and_covers_each_signature() -> None:
    value: dict[str, Any] = {
        "tier": 3,
        "epoch": 8,
        "round": 3,
        "topic": b"\1" * 32,
        "subject": b"\2" * 32,
        "choice": 1,
        "expiresAt": NOW_S,
        "signatures": [
            {"voter": part.voter, "codes": part.codes, "signature": part.signature} for part in CERTIFICATE.signatures
        ],
    }
    assert typed_data_digest(DOMAIN, CERTIFICATE_TYPE, value) == theirs(CERTIFICATE_TYPE, value)
    assert CERTIFICATE_TYPE.hash_struct(value) == certificate_digest(CERTIFICATE)
    fewer = copy.replace(CERTIFICATE, signatures=CERTIFICATE.signatures[:1])
    assert certificate_digest(fewer) != certificate_digest(CERTIFICATE)
    assert CertificateReference.of(CERTIFICATE) == CertificateReference(
        epoch=8, round=3, topic=b"\1" * 32, certificate=certificate_digest(CERTIFICATE)
    )


def test_the_settled_digest_is_the_same_in_every_round_and_before_the_settlement() -> None:
    pending = copy.replace(REPORT, round=8, settlement_transaction=None)
    assert pending.execution.digest == REPORT.execution.digest
    assert pending.digest != REPORT.digest


def test_every_field_changes_the_digest() -> None:
    fill_changes: list[tuple[str, Any]] = [
        ("fill_id", "f-0"),
        ("client_order_id", "a-2"),
        ("venue", "coinbase"),
        ("symbol", "ETH/USD"),
        ("side", Side.SELL),
        ("price", Decimal("64000.1")),
        ("quantity", Decimal("0.3")),
        ("fee", Money(Decimal("12.8"), "EUR")),
        ("liquidity", Liquidity.MAKER),
        ("at_ns", FILL.at_ns - 1),
    ]
    assert {field.name for field in dataclasses.fields(Fill)} == {field for field, _ in fill_changes}
    reference_changes: list[tuple[str, Any]] = [
        ("epoch", 0),
        ("round", 0),
        ("topic", b"\0" * 32),
        ("certificate", b"\0" * 32),
    ]
    assert {field.name for field in dataclasses.fields(CertificateReference)} == {name for name, _ in reference_changes}
    changes: list[tuple[str, Any]] = [
        ("trade_id", b"\0" * 32),
        ("executor", b"\0" * 20),
        ("proposal", b"\0" * 32),
        ("order", copy.replace(ORDER, quantity=Decimal("0.6"))),
        ("fills", (FILL,)),
    ]
    assert {field.name for field in dataclasses.fields(Execution)} == {
        *(field for field, _ in changes),
        "oracles",
        "guardians",
    }
    for name, reference in (("oracles", ORACLES), ("guardians", GUARDIANS)):
        changes += [(name, copy.replace(reference, **{field: value})) for field, value in reference_changes]
    changes += [("fills", (copy.replace(FILL, **{field: value}), LATER)) for field, value in fill_changes]
    changes.append(("fills", (copy.replace(FILL, fee=Money(Decimal("12.9"), "USD")), LATER)))
    executions = [copy.replace(EXECUTION, **{field: value}) for field, value in changes]
    reports = [copy.replace(REPORT, execution=execution) for execution in executions]
    reports += [
        copy.replace(REPORT, epoch=2),
        copy.replace(REPORT, round=8),
        copy.replace(REPORT, settlement_transaction=None),
    ]
    assert len({EXECUTION.digest, *(execution.digest for execution in executions)}) == 1 + len(executions)
    assert len({REPORT.digest, *(report.digest for report in reports)}) == 1 + len(reports)


def test_one_number_written_twice_is_one_execution() -> None:
    written = copy.replace(FILL, price=Decimal("6.4E+4"), quantity=Decimal("0.20"))
    assert copy.replace(EXECUTION, fills=(written, LATER)).digest == EXECUTION.digest


def test_fees_are_summed_a_currency_each() -> None:
    third = copy.replace(FILL, fill_id="f-3", at_ns=LATER.at_ns, fee=Money(Decimal("0.2"), "USD"))
    fees = copy.replace(EXECUTION, fills=(FILL, LATER, third)).fees
    assert fees == (Money(Decimal("-0.1"), "BTC"), Money(Decimal("13.0"), "USD"))
    assert EXECUTION.executed_at_ns == LATER.at_ns


@pytest.mark.parametrize(
    ("fills", "reason"),
    [
        ((), r"fills is 0: it must be 1 to 1000 fills"),
        ((LATER, FILL), "strictly ascending"),
        ((FILL, FILL), "strictly ascending"),
        ((FILL, copy.replace(LATER, fill_id="f-1")), "each fill of a venue once"),
    ],
)
def test_fills_have_one_order_and_count_once(fills: tuple[Fill, ...], reason: str) -> None:
    with pytest.raises(FieldError, match=reason):
        copy.replace(EXECUTION, fills=fills)


def test_fills_are_bounded() -> None:
    fills = tuple(copy.replace(FILL, fill_id=f"f-{n}", at_ns=FILL.at_ns + n) for n in range(MAX_FILLS + 1))
    copy.replace(EXECUTION, fills=fills[:-1])
    with pytest.raises(FieldError, match="fills is 1001"):
        copy.replace(EXECUTION, fills=fills)
    message = execution_report_to_wire(REPORT)
    message.execution.fills.extend([pb.Execution().fills.add()] * MAX_FILLS)
    with pytest.raises(FieldError, match="fills is 1002"):
        execution_report_from_wire(message)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("trade_id", b"", r"Execution\.trade_id .* 32 bytes"),
        ("executor", b"\5" * 32, r"Execution\.executor .* 20 bytes"),
        ("proposal", b"\5" * 31, r"Execution\.proposal"),
    ],
)
def test_a_message_that_makes_no_sense_becomes_no_execution(field: str, value: bytes, reason: str) -> None:
    message = execution_report_to_wire(REPORT)
    setattr(message.execution, field, value)
    with pytest.raises(FieldError, match=reason):
        execution_report_from_wire(message)


@pytest.mark.parametrize(
    ("part", "reason"),
    [("order", r"Order\."), ("fills", r"fills is 0"), ("oracles", r"CertificateReference\.topic")],
)
def test_a_message_without_a_part_becomes_no_execution(part: str, reason: str) -> None:
    message = execution_report_to_wire(REPORT)
    message.execution.ClearField(part)  # type: ignore[arg-type]  # One of the names that it takes.
    with pytest.raises(FieldError, match=reason):
        execution_report_from_wire(message)


@pytest.mark.parametrize("transaction", [b"", b"\0" * 32, b"\1" * 31])
def test_no_settlement_is_said_in_one_way(transaction: bytes) -> None:
    message = execution_report_to_wire(REPORT)
    message.settlement_transaction = transaction
    with pytest.raises(FieldError, match=r"ExecutionReport\.settlement_transaction"):
        execution_report_from_wire(message)


@pytest.mark.parametrize(("field", "value"), [("epoch", -1), ("round", 2**64), ("round", True)])
def test_numbers_that_a_contract_cannot_hold_are_refused(field: str, value: Any) -> None:
    with pytest.raises(FieldError, match=rf"ExecutionReport\.{field}"):
        copy.replace(REPORT, **{field: value})


def test_two_reports_of_one_trade_in_one_round_are_evidence() -> None:
    key = AccountKey(b"\1" * 32)
    other = copy.replace(REPORT, execution=copy.replace(EXECUTION, fills=(FILL,)))
    verify_evidence(Evidence(sign(REPORT, key, DOMAIN), sign(other, key, DOMAIN)), DOMAIN, AccountSignatures())
