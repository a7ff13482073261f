"""Proposals: what is asked for follows from signal, portfolio and policy to the last lot, or there is a reason."""

from __future__ import annotations

import copy
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.execution.proposals.propose import NoTrade, propose
from noderr.execution.proposals.testing import INSTRUMENT, NOW_NS, NOW_S, TERMS, decided, portfolio
from noderr.types.consensus.signal_decision import SignalDecision
from noderr.types.consensus.trade_proposal import (
    SignalReference,
    TradeProposal,
    trade_id,
    trade_proposal_from_wire,
    trade_proposal_to_wire,
)
from noderr.types.trading import Direction, FieldError, Side
from noderr.types.trading.portfolio import OpenOrder, Portfolio


def proposed(decision: SignalDecision, of: Portfolio | None = None) -> TradeProposal:
    found = propose(decision, of or portfolio(), TERMS, NOW_NS)
    assert isinstance(found, TradeProposal), found
    return found


def test_a_buy_is_for_the_part_of_the_equity_that_confidence_allows() -> None:
    proposal = proposed(decided(Direction.BUY))
    # 10000 * 0.1 * 0.8 = 800 of money, at 350 * 1.002 = 350.70.
    assert (proposal.order.side, proposal.order.limit_price) == (Side.BUY, Decimal("350.70"))
    assert proposal.order.quantity == Decimal("2.281")
    assert proposal.snapshot == portfolio().digest
    assert (proposal.expires_at_s, proposal.order.expires_at_ns) == (NOW_S + 10, (NOW_S + 10) * 10**9)
    assert trade_proposal_from_wire(trade_proposal_to_wire(proposal)) == proposal


def test_what_is_held_and_open_is_not_bought_again() -> None:
    open_order = OpenOrder(
        client_order_id="a", symbol="XMR/USD", side=Side.BUY, quantity=Decimal("0.2"), worst_price=Decimal(351)
    )
    assert proposed(decided(Direction.BUY), portfolio("1", (open_order,))).order.quantity == Decimal("1.081")
    nothing = propose(decided(Direction.BUY), portfolio("3"), TERMS, NOW_NS)
    assert isinstance(nothing, NoTrade)
    assert "nothing is left to buy" in nothing.reason


def test_a_sell_is_for_all_that_is_held_and_never_for_more() -> None:
    order = proposed(decided(Direction.SELL), portfolio("1.5")).order
    assert (order.side, order.quantity, order.limit_price) == (Side.SELL, Decimal("1.5"), Decimal("349.30"))
    nothing = propose(decided(Direction.SELL), portfolio("0"), TERMS, NOW_NS)
    assert isinstance(nothing, NoTrade)


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        (decided(None), "no signal"),
        (decided(Direction.HOLD), "hold"),
        (decided(Direction.BUY, confidence_bps=4_999), "below 5000"),
        (decided(Direction.BUY, mid_e8=1), "price"),
    ],
)
def test_what_is_no_trade_says_why(decision: SignalDecision, words: str) -> None:
    found = propose(decision, portfolio(), TERMS, NOW_NS)
    assert isinstance(found, NoTrade)
    assert words in found.reason


def test_one_executor_has_one_trade_of_one_round() -> None:
    decision = decided(Direction.BUY)
    because_of = SignalReference.of(decision.certificate)
    ids = {trade_id(because_of, bytes([number]) * 20) for number in range(5)}
    assert len(ids) == 5
    assert proposed(decision).id == trade_id(because_of, TERMS.executor)


@given(
    direction=st.sampled_from([Direction.BUY, Direction.SELL]),
    confidence=st.integers(5_000, 10_000),
    mid_e8=st.integers(10**6, 10**13),
    held=st.decimals(min_value=0, max_value=1000, places=3),
)
def test_a_proposal_is_always_one_that_its_instrument_takes(
    direction: Direction, confidence: int, mid_e8: int, held: Decimal
) -> None:
    found = propose(decided(direction, confidence, mid_e8), portfolio(str(held)), TERMS, NOW_NS)
    if isinstance(found, NoTrade):
        return
    order = found.order
    assert order.limit_price is not None
    INSTRUMENT.check_quantity(order.quantity, order.limit_price)
    mid = Decimal(mid_e8) / 10**8
    assert order.side.sign * (order.limit_price - mid) * 10_000 <= mid * 20
    if order.side is Side.SELL:
        assert order.quantity <= held
    else:
        assert (order.quantity + held) * order.limit_price <= Decimal(1_000) or held == 0


def test_a_policy_that_borrows_is_refused() -> None:
    with pytest.raises(FieldError, match="equity_fraction"):
        copy.replace(TERMS.policy, equity_fraction=Decimal("1.1"))
