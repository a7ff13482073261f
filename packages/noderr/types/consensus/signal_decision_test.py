"""Decisions on signals on the wire: whole, without a signal, and damaged."""

from __future__ import annotations

import random

import pytest

from noderr.types.consensus import (
    Choice,
    RefusedMessage,
    Vote,
    VoterSet,
    make_certificate,
    sign,
    verify_certificate,
)
from noderr.types.consensus.agreed_signal import AGREED_SIGNAL_TYPE, AgreedSignal, market_topic
from noderr.types.consensus.signal_decision import (
    SignalDecision,
    signal_decision_from_wire,
    signal_decision_to_wire,
)
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import AccountKey
from noderr.types.trading import Direction, Signal

NOW_S = 1_790_000_000
KEY = AccountKey(bytes([1]) * 32)
VOTERS = VoterSet(3, 1, {KEY.address: 10})
DOMAIN = Domain("NodeOS", "1", 84532, b"\xaa" * 20)
SIGNAL = Signal(
    symbol="XMR/USD",
    horizon_seconds=10,
    direction=Direction.SELL,
    prediction_e8=-20_000,
    confidence_bps=6000,
    mid_price_e8=350 * 10**8,
    observed_at_s=NOW_S,
    model_hash=b"\1" * 32,
)


def decision(signal: Signal | None) -> SignalDecision:
    agreed = AgreedSignal(observations=b"\2" * 32, signal=signal)
    vote = Vote(
        tier=3,
        epoch=1,
        round=7,
        topic=market_topic("XMR/USD", 10),
        subject=agreed.digest,
        choice=Choice.APPROVE,
        expires_at_s=NOW_S + 60,
    )
    return SignalDecision(agreed, make_certificate([sign(vote, KEY, DOMAIN)]))


@pytest.mark.parametrize("signal", [SIGNAL, None])
def test_it_comes_back(signal: Signal | None) -> None:
    one = decision(signal)
    assert signal_decision_from_wire(signal_decision_to_wire(one)) == one


@pytest.mark.parametrize("signal", [SIGNAL, None])
def test_the_digest_made_by_hand_is_that_of_the_type(signal: Signal | None) -> None:
    signal_hash = bytes(32) if signal is None else signal.digest
    told = {"observations": b"\2" * 32, "signal": signal_hash}
    assert AgreedSignal(observations=b"\2" * 32, signal=signal).digest == AGREED_SIGNAL_TYPE.hash_struct(told)


def test_damage_is_refused_or_proves_nothing() -> None:
    whole = decision(SIGNAL)
    content, randomness, refused = signal_decision_to_wire(whole), random.Random(3), 0
    for _ in range(300):
        damaged = bytearray(content)
        damaged[randomness.randrange(len(damaged))] ^= 1 << randomness.randrange(8)
        try:
            found = signal_decision_from_wire(bytes(damaged))
            verify_certificate(found.certificate, VOTERS, DOMAIN, now_s=NOW_S)
        except RefusedMessage:
            refused += 1
        else:
            assert found.certificate.subject != found.agreed_signal.digest
    assert refused > 100


def test_nothing_is_no_decision() -> None:
    with pytest.raises(RefusedMessage):
        signal_decision_from_wire(b"")
