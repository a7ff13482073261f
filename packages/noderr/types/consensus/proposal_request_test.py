"""Requests to vote on a trade: all of it is signed, and it comes back from the wire as it was, or is refused."""

from __future__ import annotations

import copy
from decimal import Decimal

import pytest

from noderr.types.consensus import (
    AccountSignatures,
    Choice,
    Reason,
    RefusedMessage,
    Vote,
    check_signature,
    make_certificate,
    sign,
)
from noderr.types.consensus.agreed_signal import AgreedSignal
from noderr.types.consensus.proposal_request import (
    ProposalRequest,
    proposal_request_from_wire,
    proposal_request_to_wire,
)
from noderr.types.consensus.signal_decision import SignalDecision
from noderr.types.consensus.trade_proposal import SignalReference, TradeProposal
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import AccountKey
from noderr.types.trading import Order, OrderType, Side
from noderr.types.wire import handover_pb2 as pb

NOW_S = 1_790_000_000
DOMAIN = Domain("NodeOS", "1", 84532, b"\xaa" * 20)
PROPOSAL = TradeProposal(
    id=b"\3" * 32,
    epoch=9,
    round=5,
    order=Order(
        client_order_id="a-1",
        symbol="BTC/USD",
        side=Side.BUY,
        type=OrderType.LIMIT,
        quantity=Decimal("0.5"),
        limit_price=Decimal("64000.1"),
        created_at_ns=NOW_S * 10**9,
    ),
    signal=SignalReference(epoch=8, round=3, topic=b"\1" * 32, agreed_signal=b"\2" * 32),
    snapshot=b"\4" * 32,
    ruleset=b"\5" * 32,
    expires_at_s=NOW_S + 5,
)
KEY, OTHER = AccountKey(b"\1" * 32), AccountKey(b"\2" * 32)
AGREED = AgreedSignal(observations=b"\6" * 32, signal=None)


def decision(key: AccountKey = KEY) -> SignalDecision:
    vote = Vote(
        tier=3, epoch=8, round=3, topic=b"\1" * 32, subject=AGREED.digest, choice=Choice.APPROVE, expires_at_s=NOW_S
    )
    return SignalDecision(AGREED, make_certificate([sign(vote, key, DOMAIN)]))


WHOLE = ProposalRequest(proposal=PROPOSAL, decision=decision())


@pytest.mark.parametrize("request_", [WHOLE, copy.replace(WHOLE, decision=None)])
def test_there_and_back(request_: ProposalRequest) -> None:
    signed = sign(request_, KEY, DOMAIN)
    received = proposal_request_from_wire(proposal_request_to_wire(signed))
    assert received == signed
    check_signature(received, DOMAIN, AccountSignatures())
    assert (request_.tier, request_.epoch, request_.round, request_.topic) == (2, 9, 5, PROPOSAL.id)


def test_whatever_is_exchanged_is_another_request() -> None:
    requests = [
        WHOLE,
        copy.replace(WHOLE, proposal=copy.replace(PROPOSAL, snapshot=b"\7" * 32)),
        copy.replace(WHOLE, decision=None),
        copy.replace(WHOLE, decision=decision(OTHER)),
        copy.replace(
            WHOLE, decision=SignalDecision(copy.replace(AGREED, observations=b"\7" * 32), decision().certificate)
        ),
    ]
    assert len({one.digest_in(DOMAIN) for one in requests}) == len(requests)
    assert WHOLE.digest_in(DOMAIN) != WHOLE.digest_in(copy.replace(DOMAIN, chain_id=1))


def test_what_is_no_request_is_refused() -> None:
    content = proposal_request_to_wire(sign(WHOLE, KEY, DOMAIN))
    no_proposal, no_certificate = pb.ProposalRequest.FromString(content), pb.ProposalRequest.FromString(content)
    no_proposal.ClearField("proposal")
    no_certificate.decision.ClearField("certificate")
    for spoiled in (b"", b"\xff", no_proposal.SerializeToString(), no_certificate.SerializeToString()):
        with pytest.raises(RefusedMessage) as refused:
            proposal_request_from_wire(spoiled)
        assert refused.value.reason is Reason.MALFORMED
