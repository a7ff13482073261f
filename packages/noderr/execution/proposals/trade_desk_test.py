"""A desk: one proposal of one decision, one approval of one proposal, and nothing for what proves nothing."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from noderr.execution.approval import ApprovedTrade, check_approval
from noderr.execution.proposals.propose import NoTrade
from noderr.execution.proposals.testing import INSTRUMENT, NOW_NS, NOW_S, TERMS, portfolio
from noderr.execution.proposals.trade_desk import DeskRules, NotApproved, Proposed, TradeDesk
from noderr.types.consensus import (
    Certificate,
    CertificateError,
    Choice,
    Reason,
    Vote,
    VoterSet,
    make_certificate,
    sign,
)
from noderr.types.consensus.agreed_signal import AgreedSignal, market_topic
from noderr.types.consensus.signal_decision import SignalDecision
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import AccountKey
from noderr.types.trading import Direction, Signal
from noderr.types.trading.portfolio import Portfolio

KEYS = [AccountKey(bytes([number]) * 32) for number in range(1, 5)]
ME = KEYS[0].address
DOMAIN = Domain("NodeOS", "1", 84532, b"\xaa" * 20)
VOTERS = {tier: VoterSet(tier, 1, {key.address: 10 for key in KEYS}) for tier in (2, 3)}
SIGNAL = Signal(
    symbol="XMR/USD",
    horizon_seconds=10,
    direction=Direction.BUY,
    prediction_e8=90_000,
    confidence_bps=8_000,
    mid_price_e8=350 * 10**8,
    observed_at_s=NOW_S,
    model_hash=b"\1" * 32,
)


def desk() -> TradeDesk:
    return TradeDesk(
        DeskRules(
            domain=DOMAIN,
            voters=VOTERS,
            executor=ME,
            executors=[key.address for key in KEYS],
            policy=TERMS.policy,
            ruleset=TERMS.ruleset,
            instruments={"XMR/USD": INSTRUMENT},
            guardian_round=lambda now_ns: now_ns // 5_000_000_000,
        )
    )


def certificate(tier: int, *, signers: int = 3, **changes: Any) -> Certificate:
    fields: dict[str, Any] = {
        "tier": tier,
        "epoch": 1,
        "round": 7,
        "choice": Choice.APPROVE,
        "expires_at_s": NOW_S + 60,
    }
    vote = Vote(**(fields | changes))
    return make_certificate([sign(vote, key, DOMAIN) for key in KEYS[:signers]])


def decision(signal: Signal | None = SIGNAL, **changes: Any) -> SignalDecision:
    agreed = AgreedSignal(observations=b"\2" * 32, signal=signal)
    fields: dict[str, Any] = {"topic": market_topic("XMR/USD", 10), "subject": agreed.digest} | changes
    return SignalDecision(agreed, certificate(3, **fields))


def proposed(at: TradeDesk, of: SignalDecision | None = None) -> Proposed:
    found = at.on_signal(of or decision(), portfolio, NOW_NS)
    assert isinstance(found, Proposed), found
    return found


def approval(of: Proposed, **changes: Any) -> Certificate:
    proposal = of.proposal
    fields: dict[str, Any] = {"topic": proposal.id, "subject": proposal.digest, "round": proposal.round} | changes
    return certificate(2, **fields)


def test_a_decision_is_proposed_once_and_its_approval_can_be_executed_once() -> None:
    at = desk()
    first = proposed(at)
    assert first.proposal.round == NOW_NS // 5_000_000_000
    assert first.proposal.snapshot == first.portfolio.digest
    assert at.on_signal(decision(), portfolio, NOW_NS) is None
    trade = at.on_approval(approval(first), NOW_NS)
    assert isinstance(trade, ApprovedTrade)
    assert check_approval(trade, at.rules.approval, now_ns=NOW_NS).order == first.proposal.order
    assert at.on_approval(approval(first), NOW_NS) is None


def test_what_guardians_reject_is_over() -> None:
    at = desk()
    first = proposed(at)
    found = at.on_approval(approval(first, choice=Choice.REJECT), NOW_NS)
    assert found == NotApproved(first.proposal, Choice.REJECT)
    assert at.on_approval(approval(first), NOW_NS) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"signers": 2}, Reason.NO_QUORUM),
        ({"expires_at_s": NOW_S - 1}, Reason.EXPIRED),
        ({"epoch": 2}, Reason.WRONG_EPOCH),
        ({"subject": b"\7" * 32}, Reason.WRONG_SUBJECT),
    ],
)
def test_a_certificate_that_proves_nothing_is_refused_and_the_desk_goes_on_waiting(
    changes: dict[str, Any], reason: Reason
) -> None:
    at = desk()
    with pytest.raises(CertificateError) as refused:
        at.on_signal(decision(**changes), portfolio, NOW_NS)
    assert refused.value.reason is reason
    first = proposed(at)
    with pytest.raises(CertificateError) as refused:
        at.on_approval(approval(first, **changes), NOW_NS)
    assert refused.value.reason is reason
    assert isinstance(at.on_approval(approval(first), NOW_NS), ApprovedTrade)


def test_a_signal_that_is_exchanged_under_its_certificate_is_refused() -> None:
    whole = decision()
    other = AgreedSignal(observations=b"\2" * 32, signal=copy.replace(SIGNAL, direction=Direction.SELL))
    with pytest.raises(CertificateError, match="another signal"):
        desk().on_signal(SignalDecision(other, whole.certificate), portfolio, NOW_NS)


def test_a_proposal_that_expired_is_waited_for_no_more() -> None:
    at = desk()
    first = proposed(at)
    assert at.on_approval(approval(first), first.proposal.expires_at_s * 10**9) is None


@pytest.mark.parametrize(
    ("signal", "words"),
    [(None, "no signal"), (copy.replace(SIGNAL, symbol="BTC/USD"), "not traded here")],
)
def test_what_is_not_traded_says_why(signal: Signal | None, words: str) -> None:
    found = desk().on_signal(decision(signal), portfolio, NOW_NS)
    assert isinstance(found, NoTrade)
    assert words in found.reason


def test_without_a_portfolio_nothing_is_proposed() -> None:
    def nothing() -> Portfolio | None:
        return None

    found = desk().on_signal(decision(), nothing, NOW_NS)
    assert found == NoTrade("what the account holds has no price now")


def test_only_so_many_proposals_wait_at_once() -> None:
    at = desk()
    for number in range(64):
        proposed(at, decision(round=number))
    found = at.on_signal(decision(round=64), portfolio, NOW_NS)
    assert isinstance(found, NoTrade)
    assert "64 proposals wait" in found.reason
