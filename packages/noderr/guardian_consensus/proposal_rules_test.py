"""Whose proposals are voted on, and what is rejected because no signal of the oracles' asks for it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from noderr.core.consensus.testing import DOMAIN, NOW_NS, voter_set
from noderr.core.consensus.trade_testing import EXPIRES_S, KEYS, ORACLES, ORDER, SIGNAL, SignedTrade
from noderr.guardian_consensus.proposal_rules import ProposalRules
from noderr.guardian_consensus.veto import Veto
from noderr.types.consensus import AccountSignatures, Choice, Reason, RefusedMessage, Signed, sign
from noderr.types.consensus.agreed_signal import AgreedSignal
from noderr.types.consensus.approval import Ground
from noderr.types.consensus.proposal_request import ProposalRequest
from noderr.types.consensus.signal_decision import SignalDecision
from noderr.types.consensus.trade_proposal import trade_id
from noderr.types.signing.account_key import AccountKey
from noderr.types.trading import Direction, Side

RULES = ProposalRules(executors=voter_set(KEYS, tier=1), oracles=ORACLES, domain=DOMAIN, signatures=AccountSignatures())
EXECUTOR, RIVAL, STRANGER = KEYS[0], KEYS[1], AccountKey(b"\x77" * 32)
WHOLE = SignedTrade()


def request(trade: SignedTrade = WHOLE, **changes: Any) -> ProposalRequest:
    whole = ProposalRequest(
        proposal=trade.proposal, decision=SignalDecision(trade.agreed_signal, trade.oracle_certificate)
    )
    return copy.replace(whole, **changes)


def own(executor: AccountKey = EXECUTOR, **changes: Any) -> ProposalRequest:
    """A request whose id is the executor's."""
    id_ = trade_id(WHOLE.proposal.signal, executor.address)
    return request(proposal=copy.replace(WHOLE.proposal, **({"id": id_} | changes)))


def test_an_executor_s_own_proposal_is_taken() -> None:
    RULES.check(sign(own(), EXECUTOR, DOMAIN))


@pytest.mark.parametrize(
    ("asked", "key", "reason"),
    [
        (own(STRANGER), STRANGER, Reason.NOT_A_MEMBER),
        (own(), RIVAL, Reason.WRONG_SUBJECT),
        (own(id=b"\7" * 32), EXECUTOR, Reason.WRONG_SUBJECT),
        (own(signal=copy.replace(WHOLE.proposal.signal, round=4)), EXECUTOR, Reason.WRONG_SUBJECT),
    ],
)
def test_no_other_s_is(asked: ProposalRequest, key: AccountKey, reason: Reason) -> None:
    with pytest.raises(RefusedMessage) as refused:
        RULES.check(sign(asked, key, DOMAIN))
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    "changes",
    [
        {"decision": None},
        {"decision": request(SignedTrade(oracle_changes={"signers": KEYS[1:]})).decision},
        {"decision": SignalDecision(AgreedSignal(observations=b"\7" * 32, signal=None), WHOLE.oracle_certificate)},
        {"proposal": own(snapshot=b"\7" * 32).proposal},
    ],
)
def test_what_was_not_signed_is_not_taken(changes: dict[str, Any]) -> None:
    signed = sign(own(), EXECUTOR, DOMAIN)
    with pytest.raises(RefusedMessage) as refused:
        RULES.check(Signed(copy.replace(signed.message, **changes), signed.signer, signed.signature))
    assert refused.value.reason is Reason.BAD_SIGNATURE


def test_a_signature_for_another_chain_is_none_here() -> None:
    with pytest.raises(RefusedMessage) as refused:
        RULES.check(sign(own(), EXECUTOR, copy.replace(DOMAIN, chain_id=1)))
    assert refused.value.reason is Reason.BAD_SIGNATURE


def test_without_validators_nobody_proposes() -> None:
    with pytest.raises(RefusedMessage) as refused:
        copy.replace(RULES, executors=None).check(sign(own(), EXECUTOR, DOMAIN))
    assert refused.value.reason is Reason.NOT_A_MEMBER


def test_what_the_oracles_asked_for_has_no_veto() -> None:
    assert RULES.veto(request(), NOW_NS) is None


OTHER_SIGNAL = AgreedSignal(observations=b"\x12" * 32, signal=copy.replace(SIGNAL, direction=Direction.SELL))
MADE_UP = copy.replace(WHOLE.proposal.signal, agreed_signal=b"\x99" * 32)


@pytest.mark.parametrize(
    ("asked", "ground"),
    [
        (request(decision=None), Ground.NO_CERTIFICATE),
        (request(proposal=copy.replace(WHOLE.proposal, signal=MADE_UP)), Ground.OTHER_SIGNAL),
        (request(decision=SignalDecision(OTHER_SIGNAL, WHOLE.oracle_certificate)), Ground.OTHER_SIGNAL),
        (request(SignedTrade(oracle_changes={"signers": KEYS[:2]})), Ground.UNPROVEN),
        (request(SignedTrade(oracle_changes={"signers": [STRANGER, *KEYS[1:3]]})), Ground.UNPROVEN),
        (request(SignedTrade(oracle_changes={"choice": Choice.REJECT})), Ground.NOT_APPROVING),
        (request(SignedTrade(oracle_changes={"tier": 2})), Ground.WRONG_TIER),
        (
            request(
                SignedTrade(
                    oracle_changes={"epoch": 7},
                    proposal_changes={"signal": copy.replace(WHOLE.proposal.signal, epoch=7)},
                )
            ),
            Ground.UNPROVEN,
        ),
    ],
)
def test_a_signal_that_is_not_proven_is_vetoed(asked: ProposalRequest, ground: Ground) -> None:
    verdict = RULES.veto(asked, NOW_NS)
    assert verdict is not None
    assert (verdict.choice, verdict.codes) == (Choice.REJECT, Veto.WRONG_CERTIFICATE)
    assert json.loads(verdict.report)["ground"] == ground


def test_a_signal_is_proven_until_its_certificate_is_over_and_by_known_voters_only() -> None:
    verdict = RULES.veto(request(), (EXPIRES_S + 1) * 10**9)
    assert verdict is not None
    assert json.loads(verdict.report)["ground"] == Ground.CERTIFICATE_EXPIRED
    verdict = copy.replace(RULES, oracles=None).veto(request(), NOW_NS)
    assert verdict is not None
    assert json.loads(verdict.report)["ground"] == Ground.UNKNOWN_VOTERS


@pytest.mark.parametrize(
    ("trade", "ground"),
    [
        (SignedTrade(proposal_changes={"order": copy.replace(ORDER, side=Side.SELL)}), Ground.WRONG_SIDE),
        (SignedTrade(proposal_changes={"order": copy.replace(ORDER, symbol="ETH/USD")}), Ground.OTHER_MARKET),
        (SignedTrade(signal=copy.replace(SIGNAL, direction=Direction.HOLD)), Ground.WRONG_SIDE),
        (SignedTrade(signal=None), Ground.NO_SIGNAL),
    ],
)
def test_an_order_that_the_signal_does_not_ask_for_is_vetoed(trade: SignedTrade, ground: Ground) -> None:
    verdict = RULES.veto(request(trade), NOW_NS)
    assert verdict is not None
    assert (verdict.choice, verdict.codes) == (Choice.REJECT, Veto.WRONG_ORDER)
    assert json.loads(verdict.report)["ground"] == ground
