"""The rules by which two certificates approve one trade: each once, for who votes on it, executes it, and attests it.

Whether a certificate proves itself, `not_proven` tells; the others say whether what it proves is this trade. Pure.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol

from noderr.types.consensus.agreed_signal import AgreedSignal, market_topic
from noderr.types.consensus.certificate import Certificate, verify_certificate
from noderr.types.consensus.errors import CertificateError, Reason
from noderr.types.consensus.signed import Signatures
from noderr.types.consensus.trade_proposal import SignalReference, TradeProposal
from noderr.types.consensus.vote import Choice
from noderr.types.consensus.weights import VoterSet
from noderr.types.eip712 import Domain
from noderr.types.trading.order import Order, Side
from noderr.types.trading.signal import Direction, Signal

_SECOND_NS = 1_000_000_000
_SIDES = {Direction.BUY: Side.BUY, Direction.SELL: Side.SELL}


class VoterSets(Protocol):
    """Who voted in an epoch: the registry on the chain, or what stands for it."""

    async def voters(self, tier: int, epoch: int) -> VoterSet | None:
        """None when it does not know. May raise any `Exception`."""


class Ground(enum.StrEnum):
    """Why a trade is not approved: labels of a metric, words in logs."""

    NO_CERTIFICATE = "no-certificate"
    UNKNOWN_VOTERS = "unknown-voters"
    UNPROVEN = "unproven"
    """The certificate does not verify: no quorum, a forged signature, a stranger's, another epoch's."""
    CERTIFICATE_EXPIRED = "certificate-expired"
    WRONG_TIER = "wrong-tier"
    NOT_APPROVING = "not-approving"
    NO_SIGNAL = "no-signal"
    OTHER_MARKET = "other-market"
    WRONG_SIDE = "wrong-side"
    OTHER_PROPOSAL = "other-proposal"
    OTHER_SIGNAL = "other-signal"
    PROPOSAL_EXPIRED = "proposal-expired"
    ORDER_EXPIRED = "order-expired"
    NOT_THE_EXECUTOR = "not-the-executor"


@dataclass(frozen=True, slots=True)
class Objection:
    """One broken rule; `detail` is for people."""

    ground: Ground
    detail: str


def not_an_approval(certificate: Certificate, tier: int) -> Objection | None:
    """Whether it is of another tier, or says anything but yes."""
    if certificate.tier != tier:
        return Objection(
            Ground.WRONG_TIER, f"the certificate is of tier {certificate.tier}, and it must be of tier {tier}"
        )
    if certificate.choice is not Choice.APPROVE:
        return Objection(Ground.NOT_APPROVING, f"the certificate says {certificate.choice.name}")
    return None


def not_proven(
    certificate: Certificate,
    tier: int,
    voters: VoterSet | None,
    domain: Domain,
    *,
    now_s: int,
    signatures: Signatures | None = None,
) -> Objection | None:
    """Whether it is no approval by a quorum of this tier at `now_s`. `voters` are its epoch's; None is not known."""
    objection = not_an_approval(certificate, tier)
    if objection is not None:
        return objection
    if voters is None:
        return Objection(
            Ground.UNKNOWN_VOTERS, f"who voted in epoch {certificate.epoch} of tier {tier} is not known here"
        )
    try:
        verify_certificate(certificate, voters, domain, now_s=now_s, signatures=signatures)
    except CertificateError as error:
        expired = error.reason is Reason.EXPIRED
        return Objection(Ground.CERTIFICATE_EXPIRED if expired else Ground.UNPROVEN, str(error))
    return None


def not_agreed_on(agreed: AgreedSignal | None, oracles: Certificate) -> Objection | None:
    """Whether it is missing, or another than this certificate is about."""
    if agreed is None or agreed.digest != oracles.subject:
        return Objection(Ground.OTHER_SIGNAL, "the signal is not the one that the oracles agreed on")
    return None


def not_asked_for(signal: Signal | None, topic: bytes, order: Order) -> Objection | None:
    """Whether the oracles' signal, agreed on in the round of `topic`, asks for anything but this order."""
    if signal is None:
        return Objection(Ground.NO_SIGNAL, "the oracles agreed that there is no signal")
    if market_topic(signal.symbol, signal.horizon_seconds) != topic:
        return Objection(
            Ground.OTHER_MARKET,
            f"the signal is about {signal.symbol}, and the oracles' round was about another market",
        )
    if signal.symbol != order.symbol:
        return Objection(Ground.OTHER_MARKET, f"the signal is about {signal.symbol} and the order about {order.symbol}")
    if _SIDES.get(signal.direction) is not order.side:
        return Objection(Ground.WRONG_SIDE, f"the signal says {signal.direction.name} and the order {order.side.name}")
    return None


def not_the_round_of(proposal: TradeProposal, guardians: Certificate) -> Objection | None:
    """Whether the guardians' round was not the one that the proposal was made for."""
    if (proposal.id, proposal.epoch, proposal.round) != (guardians.topic, guardians.epoch, guardians.round):
        return Objection(Ground.OTHER_PROPOSAL, "the guardians' round was about another proposal than they approved")
    return None


def not_because_of(proposal: TradeProposal, oracles: Certificate) -> Objection | None:
    """Whether the proposal follows from another signal than this certificate is about."""
    if proposal.signal != SignalReference.of(oracles):
        return Objection(Ground.OTHER_SIGNAL, "the trade was proposed because of another signal")
    return None


def expires_ns(proposal: TradeProposal) -> int:
    """From when on nothing may be traded for it any more."""
    return proposal.expires_at_s * _SECOND_NS
