"""The checks of both certificates: one whole trade passes, and each lie in it fails for its own reason."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.core.consensus.testing import DOMAIN, NOW_NS, SECOND_NS
from noderr.types.consensus import Choice, VoterSet
from noderr.types.consensus.agreed_signal import market_topic
from noderr.types.consensus.certificate_reference import CertificateReference
from noderr.types.consensus.trade_proposal import SignalReference
from noderr.types.signing.account_key import AccountKey
from noderr.types.trading import Direction, Side
from noderr.validator_consensus.certificate_proof import CertificateRules
from noderr.validator_consensus.checks import PASSED, CheckResult, CheckStatus
from noderr.validator_consensus.execution_testing import (
    EXPIRES_S,
    FILL,
    GUARDIANS,
    KEYS,
    ORACLES,
    ORDER,
    SIGNAL,
    KnownVoters,
    Trade,
)
from noderr.validator_consensus.guardian_certificate import GuardianCertificateCheck
from noderr.validator_consensus.oracle_certificate import OracleCertificateCheck

OUTSIDER = AccountKey(b"\x77" * 32)
AT_EXPIRY = (FILL, copy.replace(FILL, fill_id="late", at_ns=EXPIRES_S * SECOND_NS))
AFTER_EXPIRY = (FILL, copy.replace(FILL, fill_id="late", at_ns=(EXPIRES_S + 1) * SECOND_NS))
WHOLE = Trade()


async def oracles_say(trade: Trade, sets: KnownVoters | None = None, **evidence: Any) -> CheckResult:
    check = OracleCertificateCheck(CertificateRules(sets or KnownVoters(), DOMAIN))
    return await check.evaluate(trade.report, copy.replace(trade.evidence, **evidence))


async def guardians_say(trade: Trade, sets: KnownVoters | None = None, **evidence: Any) -> CheckResult:
    check = GuardianCertificateCheck(CertificateRules(sets or KnownVoters(), DOMAIN))
    return await check.evaluate(trade.report, copy.replace(trade.evidence, **evidence))


async def test_a_whole_trade_passes_both() -> None:
    assert await oracles_say(WHOLE) == PASSED
    assert await guardians_say(WHOLE) == PASSED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"signal": None}, "agreed that there is no signal"),
        ({"signal": copy.replace(SIGNAL, direction=Direction.HOLD)}, "says HOLD and the order BUY"),
        ({"signal": copy.replace(SIGNAL, direction=Direction.SELL)}, "says SELL and the order BUY"),
        ({"signal": copy.replace(SIGNAL, horizon_seconds=60)}, "about another market"),
        ({"topic": market_topic("ETH/USD", 300)}, "about another market"),
        (
            {"topic": market_topic("ETH/USD", 300), "signal": copy.replace(SIGNAL, symbol="ETH/USD")},
            "about ETH/USD and the order about BTC/USD",
        ),
        ({"oracle_changes": {"choice": Choice.REJECT}}, "says REJECT"),
        ({"oracle_changes": {"tier": 2, "epoch": 9}}, "of tier 2, and it must be of tier 3"),
        ({"oracle_changes": {"signers": KEYS[:2]}}, "no-quorum"),
        ({"oracle_changes": {"signers": [*KEYS[:3], OUTSIDER]}}, "not-a-member"),
        ({"oracle_changes": {"expires_at_s": EXPIRES_S - 59}}, "expired"),
        ({"execution_changes": {"fills": AFTER_EXPIRY}}, "expired"),
    ],
)
async def test_what_the_oracles_did_not_ask_for_fails(changes: dict[str, Any], reason: str) -> None:
    result = await oracles_say(Trade(**changes))
    assert result.status is CheckStatus.FAILED
    assert reason in result.detail


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"guardian_changes": {"choice": Choice.REJECT}}, "says REJECT"),
        ({"guardian_changes": {"subject": b"\0" * 32}}, "another proposal than the report names"),
        ({"guardian_changes": {"topic": b"\0" * 32}}, "another proposal than the report names"),
        ({"guardian_changes": {"tier": 3, "epoch": 8}}, "of tier 3, and it must be of tier 2"),
        ({"guardian_changes": {"signers": KEYS[:2]}}, "no-quorum"),
        ({"guardian_changes": {"expires_at_s": EXPIRES_S - 59}}, "expired"),
        ({"guardian_changes": {"round": 6}}, "another proposal than they approved"),
        ({"proposal_changes": {"id": b"\0" * 32}}, "another proposal than they approved"),
        ({"proposal_changes": {"epoch": 8}}, "another proposal than they approved"),
        ({"execution_changes": {"trade_id": b"\0" * 32}}, "another proposal than the report names"),
        ({"execution_changes": {"fills": AT_EXPIRY}}, "the proposal expired"),
        ({"execution_changes": {"fills": AFTER_EXPIRY}}, "expired"),
    ],
)
async def test_what_the_guardians_did_not_approve_fails(changes: dict[str, Any], reason: str) -> None:
    result = await guardians_say(Trade(**changes))
    assert result.status is CheckStatus.FAILED
    assert reason in result.detail


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": Decimal("0.6")},
        {"limit_price": Decimal("64011")},
        {"side": Side.SELL},
        {"symbol": "ETH/USD"},
        {"client_order_id": "a-2"},
        {"created_at_ns": NOW_NS + 1},
    ],
)
async def test_another_order_than_the_approved_one_fails(changes: dict[str, Any]) -> None:
    result = await guardians_say(Trade(execution_changes={"order": copy.replace(ORDER, **changes)}))
    assert result.status is CheckStatus.FAILED
    assert "not the one that was approved" in result.detail


@pytest.mark.parametrize("changes", [{"epoch": 7}, {"round": 2}, {"topic": b"\0" * 32}, {"agreed_signal": b"\0" * 32}])
async def test_an_approval_for_another_signal_fails(changes: dict[str, Any]) -> None:
    right = WHOLE.proposal.signal
    assert isinstance(right, SignalReference)
    result = await guardians_say(Trade(proposal_changes={"signal": copy.replace(right, **changes)}))
    assert result.status is CheckStatus.FAILED
    assert "because of another signal" in result.detail


@pytest.mark.parametrize("changes", [{"epoch": 1}, {"round": 1}, {"topic": b"\0" * 32}])
async def test_a_reference_that_contradicts_its_certificate_fails(changes: dict[str, Any]) -> None:
    oracles = copy.replace(CertificateReference.of(WHOLE.oracle_certificate), **changes)
    guardians = copy.replace(CertificateReference.of(WHOLE.guardian_certificate), **changes)
    assert "than its certificate" in (await oracles_say(Trade(execution_changes={"oracles": oracles}))).detail
    assert "than its certificate" in (await guardians_say(Trade(execution_changes={"guardians": guardians}))).detail


OTHER = Trade(signal=copy.replace(SIGNAL, prediction_e8=1))


@pytest.mark.parametrize(
    "evidence",
    [
        {"oracle_certificate": None},
        {"agreed_signal": None},
        {"agreed_signal": OTHER.agreed_signal},
        {"oracle_certificate": OTHER.oracle_certificate, "agreed_signal": OTHER.agreed_signal},
        {"oracle_certificate": Trade(oracle_changes={"signers": KEYS}).oracle_certificate},
    ],
)
async def test_what_a_relay_swaps_or_drops_is_not_held_against_the_executor(evidence: dict[str, Any]) -> None:
    assert (await oracles_say(WHOLE, **evidence)).status is CheckStatus.INSUFFICIENT


@pytest.mark.parametrize(
    "evidence",
    [
        {"guardian_certificate": None},
        {"proposal": None},
        {"proposal": OTHER.proposal},
        {"guardian_certificate": OTHER.guardian_certificate, "proposal": OTHER.proposal},
        {"oracle_certificate": None},
        {"oracle_certificate": OTHER.oracle_certificate},
    ],
)
async def test_nor_is_it_by_the_guardians_check(evidence: dict[str, Any]) -> None:
    assert (await guardians_say(WHOLE, **evidence)).status is CheckStatus.INSUFFICIENT


async def test_a_certificate_without_signatures_is_held_against_who_refers_to_it() -> None:
    stripped = copy.replace(WHOLE.oracle_certificate, signatures=())
    assert (await oracles_say(WHOLE, oracle_certificate=stripped)).status is CheckStatus.INSUFFICIENT
    pinned = Trade(execution_changes={"oracles": CertificateReference.of(stripped)})
    result = await oracles_say(pinned, oracle_certificate=stripped)
    assert result.status is CheckStatus.FAILED
    assert "no-quorum" in result.detail


async def test_an_epoch_whose_voters_are_not_known_is_insufficient() -> None:
    assert (await oracles_say(WHOLE, KnownVoters(GUARDIANS))).status is CheckStatus.INSUFFICIENT
    assert (await guardians_say(WHOLE, KnownVoters(ORACLES))).status is CheckStatus.INSUFFICIENT


async def test_the_voters_of_another_epoch_prove_nothing() -> None:
    class Confused:
        async def voters(self, tier: int, epoch: int) -> VoterSet:
            return copy.replace(ORACLES, epoch=epoch + 1)

    check = OracleCertificateCheck(CertificateRules(Confused(), DOMAIN))
    assert (await check.evaluate(WHOLE.report, WHOLE.evidence)).status is CheckStatus.INSUFFICIENT


async def test_a_certificate_of_another_chain_fails() -> None:
    rules = CertificateRules(KnownVoters(), copy.replace(DOMAIN, chain_id=1))
    for check in (OracleCertificateCheck(rules), GuardianCertificateCheck(rules)):
        result = await check.evaluate(WHOLE.report, WHOLE.evidence)
        assert result.status is CheckStatus.FAILED
        assert "bad-signature" in result.detail


@settings(max_examples=20, deadline=None)
@given(st.sets(st.integers(0, 3), min_size=1))
async def test_only_a_quorum_passes(signers: set[int]) -> None:
    result = await oracles_say(Trade(oracle_changes={"signers": [KEYS[n] for n in signers]}))
    assert (result.status is CheckStatus.PASSED) == (len(signers) >= 3)
