"""One agreed signal, one portfolio: the trade that follows, or why there is none. Pure.

A signal asks for a position, not for an order: BUY for `equity_fraction` of the equity, weighted by the confidence,
SELL for none, since nothing is sold that is not held. What is traded is the difference to what is held and open
already, so a signal that comes again does not buy again.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

from noderr.execution.proposals.policy import TradePolicy
from noderr.types.consensus.signal_decision import SignalDecision
from noderr.types.consensus.trade_proposal import SignalReference, TradeProposal, trade_id
from noderr.types.trading import Direction, Instrument, Order, OrderType, Side, Signal, TimeInForce
from noderr.types.trading.errors import FieldError
from noderr.types.trading.portfolio import Portfolio
from noderr.types.trading.signal import ONE_E8

_SECOND_NS = 1_000_000_000
_BPS = 10_000
_PLAIN = Context(prec=60)


@dataclass(frozen=True, slots=True)
class NoTrade:
    """Why nothing follows from the signal, in words."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalTerms:
    """What is traded and how much; the guardians' epoch and round, the digest of their rules; and who executes."""

    instrument: Instrument
    policy: TradePolicy
    epoch: int
    round: int
    ruleset: bytes
    executor: bytes


def propose(
    decision: SignalDecision, portfolio: Portfolio, terms: ProposalTerms, now_ns: int
) -> TradeProposal | NoTrade:
    """The certificate is not checked here: who proposes has verified it, and guardians verify it again."""
    signal, instrument, policy = decision.agreed_signal.signal, terms.instrument, terms.policy
    if signal is None:
        return NoTrade("the oracles agreed that there is no signal")
    if signal.direction is Direction.HOLD:
        return NoTrade("the oracles' signal is to hold")
    if signal.confidence_bps < policy.least_confidence_bps:
        return NoTrade(f"confidence {signal.confidence_bps} bps is below {policy.least_confidence_bps}")
    side = Side.BUY if signal.direction is Direction.BUY else Side.SELL
    limit = _limit(signal, side, instrument, policy.limit_bps)
    quantity = _quantity(signal, side, portfolio, terms, limit)
    try:
        instrument.check_price(limit)
        if quantity <= 0:
            return NoTrade(f"nothing is left to {side.value}")
        instrument.check_quantity(quantity, limit)
    except FieldError as error:
        return NoTrade(str(error))
    because_of = SignalReference.of(decision.certificate)
    id_ = trade_id(because_of, terms.executor)
    # From the proposal's own expiry, which is in whole seconds, so that both end together.
    expires_at_s = now_ns // _SECOND_NS + policy.valid_seconds
    return TradeProposal(
        id=id_,
        epoch=terms.epoch,
        round=terms.round,
        order=Order(
            client_order_id=f"t-{id_.hex()[:40]}",
            symbol=instrument.symbol,
            side=side,
            type=OrderType.LIMIT,
            quantity=quantity,
            limit_price=limit,
            time_in_force=TimeInForce.GTD,
            expires_at_ns=expires_at_s * _SECOND_NS,
            created_at_ns=now_ns,
        ),
        signal=because_of,
        snapshot=portfolio.digest,
        ruleset=terms.ruleset,
        expires_at_s=expires_at_s,
    )


def _limit(signal: Signal, side: Side, instrument: Instrument, limit_bps: int) -> Decimal:
    """Never worse than the policy says: a buy's limit is rounded down to a tick, a sell's up."""
    mid = _PLAIN.divide(Decimal(signal.mid_price_e8), Decimal(ONE_E8))
    limit = _PLAIN.divide(mid * (_BPS + side.sign * limit_bps), Decimal(_BPS))
    return _steps(limit, instrument.tick_size, ROUND_FLOOR if side is Side.BUY else ROUND_CEILING)


def _quantity(signal: Signal, side: Side, portfolio: Portfolio, terms: ProposalTerms, limit: Decimal) -> Decimal:
    instrument = terms.instrument
    held = sum((one.quantity for one in portfolio.positions if one.symbol == instrument.symbol), Decimal(0))
    coming = sum(
        (one.quantity for one in portfolio.open_orders if (one.symbol, one.side) == (instrument.symbol, side)),
        Decimal(0),
    )
    if side is Side.SELL:
        wanted = held - coming
    else:
        money = portfolio.equity * terms.policy.equity_fraction * signal.confidence_bps / _BPS
        wanted = _PLAIN.divide(money, limit) - held - coming if limit > 0 else Decimal(0)
    return _steps(max(wanted, Decimal(0)), instrument.lot_size, ROUND_FLOOR)


def _steps(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    return _PLAIN.divide(value, step).to_integral_value(rounding) * step
