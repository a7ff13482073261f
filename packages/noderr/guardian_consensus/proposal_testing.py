"""A proposal for tests."""

from __future__ import annotations

from decimal import Decimal

from noderr.types.consensus.trade_proposal import SignalReference, TradeProposal
from noderr.types.trading import Order, OrderType, Side

NOW_S = 1_790_000_000


def proposal(number: int = 1) -> TradeProposal:
    """Another one for each number."""
    return TradeProposal(
        id=number.to_bytes(32, "big"),
        epoch=9,
        round=5,
        order=Order(
            client_order_id=f"a-{number}",
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
