"""A whole trade is approved, and each lie in it is refused for its own reason, before anything is sent."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.core.consensus.testing import DOMAIN, NOW_NS, SECOND_NS
from noderr.core.consensus.trade_testing import (
    EXPIRES_S,
    GUARDIANS,
    KEYS,
    ORACLES,
    ORDER,
    SIGNAL,
    TRADE,
    SignedTrade,
)
from noderr.execution.approval import ApprovalRules, ApprovedTrade, check_approval
from noderr.execution.errors import NotApprovedError
from noderr.execution.mandate import Mandate
from noderr.types.consensus import Choice, VoterSignature
from noderr.types.consensus.agreed_signal import market_topic
from noderr.types.consensus.approval import Ground
from noderr.types.consensus.certificate_reference import CertificateReference
from noderr.types.signing.account_key import AccountKey
from noderr.types.trading import Direction, Side, TimeInForce

OUTSIDER = AccountKey(b"\x77" * 32)
ME = KEYS[0].address
RULES = ApprovalRules(
    voters={(3, 8): ORACLES, (2, 9): GUARDIANS}, domain=DOMAIN, executor=ME, executors=frozenset({ME})
)
WHOLE = SignedTrade()


def claim(trade: SignedTrade = WHOLE, **changes: Any) -> ApprovedTrade:
    return copy.replace(
        ApprovedTrade(
            proposal=trade.proposal,
            agreed_signal=trade.agreed_signal,
            oracle_certificate=trade.oracle_certificate,
            guardian_certificate=trade.guardian_certificate,
        ),
        **changes,
    )


def refused(trade: ApprovedTrade, rules: ApprovalRules = RULES, *, now_ns: int = NOW_NS) -> Ground:
    with pytest.raises(NotApprovedError) as caught:
        check_approval(trade, rules, now_ns=now_ns)
    return caught.value.ground


def test_a_whole_trade_is_a_mandate_for_its_order_until_the_first_of_all_expiries() -> None:
    assert check_approval(claim(), RULES, now_ns=NOW_NS) == Mandate(
        trade_id=TRADE,
        proposal=WHOLE.proposal.digest,
        order=ORDER,
        oracles=CertificateReference.of(WHOLE.oracle_certificate),
        guardians=CertificateReference.of(WHOLE.guardian_certificate),
        deadline_ns=EXPIRES_S * SECOND_NS,
    )
    sooner = SignedTrade(oracle_changes={"expires_at_s": EXPIRES_S - 10})
    assert check_approval(claim(sooner), RULES, now_ns=NOW_NS).deadline_ns == (EXPIRES_S - 9) * SECOND_NS
    dated = copy.replace(ORDER, time_in_force=TimeInForce.GTD, expires_at_ns=NOW_NS + 5)
    until = SignedTrade(proposal_changes={"order": dated})
    assert check_approval(claim(until), RULES, now_ns=NOW_NS).deadline_ns == NOW_NS + 5


@pytest.mark.parametrize(
    ("changes", "ground"),
    [
        ({"signal": None}, Ground.NO_SIGNAL),
        ({"signal": copy.replace(SIGNAL, direction=Direction.HOLD)}, Ground.WRONG_SIDE),
        ({"signal": copy.replace(SIGNAL, direction=Direction.SELL)}, Ground.WRONG_SIDE),
        ({"signal": copy.replace(SIGNAL, horizon_seconds=60)}, Ground.OTHER_MARKET),
        ({"topic": market_topic("ETH/USD", 300)}, Ground.OTHER_MARKET),
        (
            {"topic": market_topic("ETH/USD", 300), "signal": copy.replace(SIGNAL, symbol="ETH/USD")},
            Ground.OTHER_MARKET,
        ),
        ({"oracle_changes": {"choice": Choice.REJECT}}, Ground.NOT_APPROVING),
        ({"oracle_changes": {"tier": 2, "epoch": 9}}, Ground.WRONG_TIER),
        ({"oracle_changes": {"epoch": 7}}, Ground.UNKNOWN_VOTERS),
        ({"oracle_changes": {"round": 4}}, Ground.OTHER_SIGNAL),
        ({"oracle_changes": {"subject": b"\0" * 32}}, Ground.OTHER_SIGNAL),
        ({"oracle_changes": {"signers": KEYS[:2]}}, Ground.UNPROVEN),
        ({"oracle_changes": {"signers": [*KEYS[:3], OUTSIDER]}}, Ground.UNPROVEN),
        ({"guardian_changes": {"choice": Choice.REJECT}}, Ground.NOT_APPROVING),
        ({"guardian_changes": {"choice": Choice.ABSTAIN}}, Ground.NOT_APPROVING),
        ({"guardian_changes": {"tier": 3, "epoch": 8}}, Ground.WRONG_TIER),
        ({"guardian_changes": {"subject": b"\0" * 32}}, Ground.OTHER_PROPOSAL),
        ({"guardian_changes": {"topic": b"\0" * 32}}, Ground.OTHER_PROPOSAL),
        ({"guardian_changes": {"round": 6}}, Ground.OTHER_PROPOSAL),
        ({"guardian_changes": {"signers": KEYS[:2]}}, Ground.UNPROVEN),
        ({"proposal_changes": {"id": b"\0" * 32}}, Ground.OTHER_PROPOSAL),
        ({"proposal_changes": {"epoch": 8}}, Ground.OTHER_PROPOSAL),
        ({"proposal_changes": {"signal": copy.replace(WHOLE.proposal.signal, round=2)}}, Ground.OTHER_SIGNAL),
        ({"proposal_changes": {"order": copy.replace(ORDER, side=Side.SELL)}}, Ground.WRONG_SIDE),
    ],
)
def test_one_lie_is_enough(changes: dict[str, Any], ground: Ground) -> None:
    assert refused(claim(SignedTrade(**changes))) is ground


@pytest.mark.parametrize("missing", ["oracle_certificate", "guardian_certificate"])
def test_nothing_goes_without_a_certificate(missing: str) -> None:
    nothing: dict[str, Any] = {missing: None}
    assert refused(claim(**nothing)) is Ground.NO_CERTIFICATE


def test_a_signal_that_did_not_come_or_is_another_is_none() -> None:
    assert refused(claim(agreed_signal=None)) is Ground.OTHER_SIGNAL
    other = copy.replace(WHOLE.agreed_signal, observations=b"\0" * 32)
    assert refused(claim(agreed_signal=other)) is Ground.OTHER_SIGNAL


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": Decimal("0.50000001")},
        {"limit_price": Decimal("64010.01")},
        {"client_order_id": "a-2"},
        {"created_at_ns": NOW_NS + 1},
        {"time_in_force": TimeInForce.IOC},
    ],
)
def test_the_approval_of_one_order_is_none_of_another(changes: dict[str, Any]) -> None:
    other = copy.replace(WHOLE.proposal, order=copy.replace(ORDER, **changes))
    assert refused(claim(proposal=other)) is Ground.OTHER_PROPOSAL


@pytest.mark.parametrize("whose", ["oracle_certificate", "guardian_certificate"])
@settings(max_examples=30, deadline=None)
@given(part=st.integers(0, 2), byte=st.integers(0, 64), flip=st.integers(1, 255))
def test_a_forged_signature_proves_nothing(whose: str, part: int, byte: int, flip: int) -> None:
    real = getattr(WHOLE, whose)
    parts: list[VoterSignature] = list(real.signatures)
    signature = bytearray(parts[part].signature)
    signature[byte] ^= flip
    parts[part] = copy.replace(parts[part], signature=bytes(signature))
    forged = copy.replace(real, signatures=tuple(parts))
    changes: dict[str, Any] = {whose: forged}
    assert refused(claim(**changes)) is Ground.UNPROVEN


def test_from_its_expiry_on_a_trade_is_over() -> None:
    assert refused(claim(), now_ns=EXPIRES_S * SECOND_NS) is Ground.PROPOSAL_EXPIRED
    assert refused(claim(), now_ns=(EXPIRES_S + 1) * SECOND_NS) is Ground.CERTIFICATE_EXPIRED
    assert check_approval(claim(), RULES, now_ns=EXPIRES_S * SECOND_NS - 1).trade_id == TRADE
    dated = copy.replace(ORDER, time_in_force=TimeInForce.GTD, expires_at_ns=NOW_NS + 5)
    assert refused(claim(SignedTrade(proposal_changes={"order": dated})), now_ns=NOW_NS + 5) is Ground.ORDER_EXPIRED


def test_on_another_chain_or_for_another_executor_it_is_none() -> None:
    elsewhere = copy.replace(RULES, domain=copy.replace(DOMAIN, chain_id=1))
    assert refused(claim(), elsewhere) is Ground.UNPROVEN
    assert refused(claim(), copy.replace(RULES, executor=OUTSIDER.address)) is Ground.NOT_THE_EXECUTOR
    assert refused(claim(), copy.replace(RULES, executors=())) is Ground.NOT_THE_EXECUTOR


def test_the_voters_of_another_epoch_prove_nothing() -> None:
    confused = copy.replace(RULES, voters={(3, 8): copy.replace(ORACLES, epoch=7), (2, 9): GUARDIANS})
    assert refused(claim(), confused) is Ground.UNPROVEN
