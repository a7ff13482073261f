"""One trade from the oracles' signal to the guardians' yes, for tests: signed by real keys, and easy to spoil."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from noderr.core.consensus.testing import DOMAIN, NOW_NS, NOW_S, keys, voter_set
from noderr.types.consensus import Certificate, Choice, Vote, VoterSet, make_certificate, sign
from noderr.types.consensus.agreed_signal import AgreedSignal, market_topic
from noderr.types.consensus.trade_proposal import SignalReference, TradeProposal, trade_id
from noderr.types.signing.account_key import AccountKey
from noderr.types.trading import Direction, Order, OrderType, Side, Signal

KEYS = keys(4)
ORACLES = voter_set(KEYS, tier=3, epoch=8)
GUARDIANS = voter_set(KEYS, tier=2, epoch=9)
EXPIRES_S = NOW_S + 60

ORDER = Order(
    client_order_id="a-1",
    symbol="BTC/USD",
    side=Side.BUY,
    type=OrderType.LIMIT,
    quantity=Decimal("0.5"),
    limit_price=Decimal("64010"),
    created_at_ns=NOW_NS,
)
SIGNAL = Signal(
    symbol="BTC/USD",
    horizon_seconds=300,
    direction=Direction.BUY,
    prediction_e8=1_000_000,
    confidence_bps=8000,
    mid_price_e8=64_000 * 10**8,
    observed_at_s=NOW_S - 1,
    model_hash=b"\x11" * 32,
)

_TOPIC = market_topic("BTC/USD", 300)
_PLACE = SignalReference(epoch=8, round=3, topic=_TOPIC, agreed_signal=bytes(32))
TRADE = trade_id(_PLACE, KEYS[0].address)
"""The first validator's trade of that round; what exactly was agreed on has no part in its id."""


def certificate(tier: int, /, *, signers: Sequence[AccountKey] = KEYS[:3], **changes: Any) -> Certificate:
    """Votes of a tier by real keys; three of four are a quorum. `changes` are of the vote."""
    epoch, round_ = {3: (8, 3), 2: (9, 5)}[tier]
    fields: dict[str, Any] = {
        "tier": tier,
        "epoch": epoch,
        "round": round_,
        "choice": Choice.APPROVE,
        "expires_at_s": EXPIRES_S,
    }
    vote = Vote(**(fields | changes))
    return make_certificate([sign(vote, key, DOMAIN) for key in signers])


@dataclasses.dataclass(frozen=True, kw_only=True)
class SignedTrade:
    """What was agreed and approved. Each part follows from those before it: one lie can be told with all else true."""

    signal: Signal | None = SIGNAL
    topic: bytes = _TOPIC
    oracle_changes: dict[str, Any] = dataclasses.field(default_factory=dict)
    guardian_changes: dict[str, Any] = dataclasses.field(default_factory=dict)
    proposal_changes: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def agreed_signal(self) -> AgreedSignal:
        return AgreedSignal(observations=b"\x12" * 32, signal=self.signal)

    @property
    def oracle_certificate(self) -> Certificate:
        changes: dict[str, Any] = {"topic": self.topic, "subject": self.agreed_signal.digest} | self.oracle_changes
        return certificate(3, **changes)

    @property
    def proposal(self) -> TradeProposal:
        signal = SignalReference(epoch=8, round=3, topic=self.topic, agreed_signal=self.agreed_signal.digest)
        fields: dict[str, Any] = {
            "id": TRADE,
            "epoch": 9,
            "round": 5,
            "order": ORDER,
            "signal": signal,
            "snapshot": b"\4" * 32,
            "ruleset": b"\5" * 32,
            "expires_at_s": EXPIRES_S,
        }
        return TradeProposal(**(fields | self.proposal_changes))

    @property
    def guardian_certificate(self) -> Certificate:
        changes: dict[str, Any] = {"topic": TRADE, "subject": self.proposal.digest} | self.guardian_changes
        return certificate(2, **changes)


class KnownVoters:
    """The voters of two epochs."""

    def __init__(self, *sets: VoterSet) -> None:
        self._sets = {(one.tier, one.epoch): one for one in sets or (ORACLES, GUARDIANS)}

    async def voters(self, tier: int, epoch: int) -> VoterSet | None:
        return self._sets.get((tier, epoch))
