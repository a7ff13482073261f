"""What must hold for every order, portfolio and limits there can be."""

from __future__ import annotations

import copy
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.risk_engine import OpenOrder, PortfolioSnapshot, PreTradeGate, RiskLimits, TradingState
from noderr.risk_engine.flow import Approved, OrderFlow
from noderr.risk_engine.testing import (
    NOW_NS,
    SECOND_NS,
    instrument,
    limits,
    open_order,
    order,
    position,
    reference,
    snapshot,
)
from noderr.types.trading import Order, Side

SYMBOLS = ("BTC/USD", "ETH/USD")
FRACTIONS = ("group_fraction", "gross_fraction", "net_fraction", "order_fraction", "turnover_fraction")
LOSSES = ("daily_loss_fraction", "drawdown_fraction", "collar_fraction")
COUNTS = ("open_orders", "orders_per_second", "orders_per_minute", "children", "repeats")


def numbers(low: int, high: int) -> st.SearchStrategy[Decimal]:
    return st.integers(low * 1000, high * 1000).map(lambda value: Decimal(value) / 1000)


quantities = numbers(0, 12).filter(bool)
sides = st.sampled_from(Side)
symbols = st.sampled_from(SYMBOLS)


@st.composite
def orders(draw: st.DrawFn, number: int) -> Order:
    return order(
        number,
        symbol=draw(symbols),
        side=draw(sides),
        quantity=draw(quantities),
        limit_price=draw(st.integers(92, 108).map(Decimal)),
    )


@st.composite
def portfolios(draw: st.DrawFn) -> PortfolioSnapshot:
    held = draw(st.lists(numbers(-12, 12), min_size=2, max_size=2))
    opened: list[OpenOrder] = [
        open_order(number, symbol=draw(symbols), side=draw(sides), quantity=draw(quantities))
        for number in range(draw(st.integers(0, 3)))
    ]
    return snapshot(
        cash=draw(numbers(500, 12_000)),
        equity=draw(st.one_of(numbers(9_700, 10_100), numbers(-10, 12_000))),
        positions=tuple(position(symbol, str(amount)) for symbol, amount in zip(SYMBOLS, held, strict=True)),
        open_orders=tuple(opened),
        references=tuple(reference(symbol, str(draw(st.integers(95, 105)))) for symbol in SYMBOLS),
    )


WIDE: dict[str, Any] = {
    **dict.fromkeys((*FRACTIONS, *LOSSES), Decimal(5)),
    **dict.fromkeys(COUNTS, 100),
    "order_notional": Decimal(10_000),
    "allow_short": True,
}


@st.composite
def some_limits(draw: st.DrawFn) -> RiskLimits:
    """Wide ones, but for a few: with all of them narrow next to nothing would pass, and next to nothing be tested."""
    changes = dict(WIDE)
    for name in draw(st.lists(st.sampled_from(sorted(WIDE)), max_size=3)):
        if name in COUNTS:
            changes[name] = draw(st.integers(0, 5))
        elif name == "allow_short":
            changes[name] = False
        elif name == "order_notional":
            changes[name] = draw(numbers(0, 1_500))
        else:
            changes[name] = draw(numbers(0, 1)) * (Decimal("0.2") if name in LOSSES else Decimal("0.6"))
    together = draw(st.booleans())
    listed = tuple(
        instrument(
            symbol,
            fraction=draw(st.one_of(st.just(Decimal(5)), numbers(0, 1))),
            max_quantity=draw(st.one_of(st.just(Decimal(100)), numbers(0, 12))),
            group="one" if together else symbol[:3].lower(),
        )
        for symbol in SYMBOLS
    )
    return limits(instruments=listed, **changes)


@st.composite
def flows(draw: st.DrawFn) -> OrderFlow:
    flow = PreTradeGate(limits()).new_flow()
    for number in range(draw(st.integers(0, 3))):
        ago_ns = draw(st.integers(0, 120)) * SECOND_NS
        flow.record(Approved(NOW_NS - ago_ns, draw(orders(100 + number)), Decimal(100), draw(st.sampled_from("ab"))))
    return flow


def passes(limit: RiskLimits, one: Order, portfolio: PortfolioSnapshot, flow: OrderFlow, state: TradingState) -> bool:
    return PreTradeGate(limit).check(one, portfolio, NOW_NS, flow=flow, state=state, parent="a").approved


class Sums:
    """What is held at the worst, reckoned anew in another way: as fractions, from every single order."""

    def __init__(self, portfolio: PortfolioSnapshot, flow: OrderFlow, in_flight_ms: int) -> None:
        self.prices = {each.symbol: Fraction(each.price) for each in portfolio.references}
        self.held = {each.symbol: Fraction(each.quantity) for each in portfolio.positions}
        self.opened = [(each.symbol, each.side, Fraction(each.quantity)) for each in portfolio.open_orders]
        for each in flow._all:
            if each.at_ns > portfolio.as_of_ns - in_flight_ms * 1_000_000:
                self.opened.append((each.order.symbol, each.order.side, Fraction(each.order.quantity)))

    def add(self, one: Order) -> None:
        self.opened.append((one.symbol, one.side, Fraction(one.quantity)))

    def ends(self, symbol: str) -> tuple[Fraction, Fraction]:
        held = self.held.get(symbol, Fraction(0))
        bought = sum((q for s, side, q in self.opened if s == symbol and side is Side.BUY), Fraction(0))
        sold = sum((q for s, side, q in self.opened if s == symbol and side is Side.SELL), Fraction(0))
        return held + bought, held - sold

    def exposure(self, symbol: str) -> Fraction:
        return max(map(abs, self.ends(symbol))) * self.prices[symbol]

    def net(self) -> Fraction:
        most = sum((self.ends(symbol)[0] * self.prices[symbol] for symbol in SYMBOLS), Fraction(0))
        least = sum((self.ends(symbol)[1] * self.prices[symbol] for symbol in SYMBOLS), Fraction(0))
        return max(abs(most), abs(least))


any_state = st.sampled_from(TradingState)


@settings(max_examples=250, deadline=None)
@given(some_limits(), orders(1), portfolios(), flows(), any_state)
def test_what_passes_breaks_no_limit(
    limit: RiskLimits, one: Order, portfolio: PortfolioSnapshot, flow: OrderFlow, state: TradingState
) -> None:
    if not passes(limit, one, portfolio, flow, state):
        return
    assert state is not TradingState.HALTED
    sums = Sums(portfolio, flow, limit.in_flight_ms)
    before = {symbol: sums.ends(symbol) for symbol in SYMBOLS}
    sums.add(one)
    listed = limit.by_symbol[one.symbol]
    price, equity = Fraction(one.limit_price or 0), Fraction(portfolio.equity)
    reference_price = sums.prices[one.symbol]
    assert one.quantity <= listed.max_quantity
    assert Fraction(one.quantity) * price <= limit.order_notional
    assert abs(price - reference_price) <= Fraction(limit.collar_fraction) * reference_price
    assert len(sums.opened) <= limit.open_orders
    recent = [each for each in flow._all if each.at_ns > NOW_NS - 60 * SECOND_NS]
    assert len(recent) < limit.orders_per_minute
    most, least = before[one.symbol]
    reduces = most + Fraction(one.quantity) <= 0 if one.side is Side.BUY else least - Fraction(one.quantity) >= 0
    if reduces:
        return
    assert state is TradingState.ACTIVE
    assert one.side is Side.BUY or limit.allow_short
    assert sums.exposure(one.symbol) <= Fraction(listed.fraction) * equity
    assert sum(map(sums.exposure, SYMBOLS)) <= Fraction(limit.gross_fraction) * equity
    assert sums.net() <= Fraction(limit.net_fraction) * equity
    members = [each.instrument.symbol for each in limit.instruments if each.group == listed.group]
    assert sum(map(sums.exposure, members)) <= Fraction(limit.group_fraction) * equity
    assert portfolio.day_start_equity - portfolio.equity < limit.daily_loss_fraction * portfolio.day_start_equity
    assert portfolio.peak_equity - portfolio.equity < limit.drawdown_fraction * portfolio.peak_equity


@settings(max_examples=200, deadline=None)
@given(some_limits(), orders(1), portfolios(), flows(), any_state, st.data())
def test_tighter_limits_never_let_more_pass(
    loose: RiskLimits,
    one: Order,
    portfolio: PortfolioSnapshot,
    flow: OrderFlow,
    state: TradingState,
    data: st.DataObject,
) -> None:
    changes: dict[str, Any] = {}
    for name in data.draw(st.lists(st.sampled_from(sorted(WIDE)), min_size=1, max_size=2), "which"):
        value = getattr(loose, name)
        if name == "allow_short":
            changes[name] = False
        elif name in COUNTS:
            changes[name] = data.draw(st.integers(0, value), name)
        else:
            changes[name] = value * data.draw(numbers(0, 1), name)
    if data.draw(st.booleans(), "instruments"):
        changes["instruments"] = tuple(
            copy.replace(each, fraction=each.fraction / 2, max_quantity=each.max_quantity / 2)
            for each in loose.instruments
        )
    if passes(copy.replace(loose, **changes), one, portfolio, flow, state):
        assert passes(loose, one, portfolio, flow, state)


@settings(max_examples=200, deadline=None)
@given(orders(1), portfolios(), flows())
def test_reducing_makes_no_position_larger_whatever_is_filled(
    one: Order, portfolio: PortfolioSnapshot, flow: OrderFlow
) -> None:
    wide = limits(instruments=tuple(instrument(symbol, max_quantity=Decimal(100)) for symbol in SYMBOLS), **WIDE)
    if passes(wide, one, portfolio, flow, TradingState.REDUCING):
        sums = Sums(portfolio, flow, wide.in_flight_ms)
        before, ends = sums.exposure(one.symbol), sums.ends(one.symbol)
        sums.add(one)
        assert sums.exposure(one.symbol) <= before
        after = sums.ends(one.symbol)
        # It never turns what is held into its opposite.
        assert after[1] >= 0 if one.side is Side.SELL else after[0] <= 0
        assert after[0] == ends[0] or after[1] == ends[1]


@settings(max_examples=50, deadline=None)
@given(some_limits(), orders(1), portfolios(), flows())
def test_halted_lets_nothing_pass(limit: RiskLimits, one: Order, portfolio: PortfolioSnapshot, flow: OrderFlow) -> None:
    assert not passes(limit, one, portfolio, flow, TradingState.HALTED)
