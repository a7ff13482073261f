"""For tests: a decided signal, a portfolio and terms that come to a trade, to be changed in one thing."""

from __future__ import annotations

from decimal import Decimal

from noderr.execution.proposals.policy import TradePolicy
from noderr.execution.proposals.propose import ProposalTerms
from noderr.types.consensus import Choice, Vote, make_certificate, sign
from noderr.types.consensus.agreed_signal import AgreedSignal, market_topic
from noderr.types.consensus.signal_decision import SignalDecision
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import AccountKey
from noderr.types.trading import Direction, Instrument, Money, Position, Signal
from noderr.types.trading.portfolio import OpenOrder, Portfolio

NOW_S = 1_790_000_000
NOW_NS = NOW_S * 1_000_000_000 + 250_000_000
INSTRUMENT = Instrument(
    symbol="XMR/USD",
    tick_size=Decimal("0.01"),
    lot_size=Decimal("0.001"),
    min_quantity=Decimal("0.01"),
    min_notional=Decimal(5),
)
TERMS = ProposalTerms(
    instrument=INSTRUMENT,
    policy=TradePolicy(equity_fraction=Decimal("0.1")),
    epoch=1,
    round=4,
    ruleset=b"\5" * 32,
    executor=b"\6" * 20,
)


def decided(direction: Direction | None, confidence_bps: int = 8_000, mid_e8: int = 350 * 10**8) -> SignalDecision:
    signal = None
    if direction is not None:
        signal = Signal(
            symbol="XMR/USD",
            horizon_seconds=10,
            direction=direction,
            prediction_e8={Direction.BUY: 90_000, Direction.SELL: -90_000, Direction.HOLD: 0}[direction],
            confidence_bps=confidence_bps,
            mid_price_e8=mid_e8,
            observed_at_s=NOW_S,
            model_hash=b"\1" * 32,
        )
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
    domain = Domain("NodeOS", "1", 84532, b"\xaa" * 20)
    return SignalDecision(agreed, make_certificate([sign(vote, AccountKey(b"\1" * 32), domain)]))


def portfolio(held: str = "0", open_orders: tuple[OpenOrder, ...] = ()) -> Portfolio:
    quantity = Decimal(held)
    return Portfolio(
        currency="USD",
        cash=Decimal(10_000),
        equity=Decimal(10_000),
        day_start_equity=Decimal(10_000),
        peak_equity=Decimal(10_000),
        positions=(
            Position(
                symbol="XMR/USD",
                quantity=quantity,
                average_price=Decimal(350) if quantity else None,
                realised_pnl=Money(Decimal(0), "USD"),
                as_of_ns=NOW_NS,
            ),
        ),
        open_orders=open_orders,
        references=(),
        as_of_ns=NOW_NS,
    )
