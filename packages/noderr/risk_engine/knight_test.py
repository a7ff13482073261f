"""2012-08-01 again (SEC 34-70694): 212 orders of customers, whose children nobody counts, sent for 45 minutes."""

from __future__ import annotations

import copy
import itertools
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from noderr.risk_engine import PortfolioSnapshot, PreTradeGate, ReasonCode, RiskLimits, TradingState
from noderr.risk_engine.flow import Approved
from noderr.risk_engine.testing import NOW_NS, SECOND_NS, instrument, limits, order, position, reference, snapshot
from noderr.types.trading import Side

PARENTS = 212
MINUTES = 45
SYMBOLS = tuple(sorted(f"S{number:03}/USD" for number in range(154)))
OPEN_LIMITS = limits(
    instruments=tuple(instrument(symbol, fraction=Decimal(1_000)) for symbol in SYMBOLS),
    order_fraction=Decimal(1_000),
    group_fraction=Decimal(1_000),
    gross_fraction=Decimal(1_000_000),
    net_fraction=Decimal(1_000_000),
    turnover_fraction=Decimal(1_000_000),
    open_orders=1_000_000,
    orders_per_second=1_000_000,
    orders_per_minute=1_000_000,
    duplicate_window_ms=0,
    in_flight_ms=0,
)
"""Nothing holds the router back but that it repeats itself."""


@dataclass
class Morning:
    """A router that sends children of every parent, each filled at once, as fast as the gate lets it."""

    gate: PreTradeGate
    sent: Counter[str] = field(default_factory=Counter)
    denied: Counter[ReasonCode] = field(default_factory=Counter)
    seconds_with_orders: list[int] = field(default_factory=list)

    def run(self, seconds: int, tries_each_second: int, *, step: int = 1) -> None:
        flow, numbers = self.gate.new_flow(), itertools.count()
        held: Counter[str] = Counter()
        parents = itertools.cycle(range(PARENTS))
        for second in range(0, seconds, step):
            now_ns = NOW_NS + second * SECOND_NS
            portfolio = _portfolio(held, now_ns)
            for _ in range(tries_each_second):
                parent = next(parents)
                symbol, side = SYMBOLS[parent % len(SYMBOLS)], Side.BUY if parent % 2 else Side.SELL
                child = order(next(numbers), symbol=symbol, side=side, created_at_ns=now_ns)
                decision = self.gate.check(
                    child, portfolio, now_ns, flow=flow, state=TradingState.ACTIVE, parent=str(parent)
                )
                if decision.approved:
                    flow.record(Approved(now_ns, child, Decimal(100), str(parent)))
                    held[symbol] += side.sign
                    self.sent[str(parent)] += 1
                    self.seconds_with_orders.append(second)
                else:
                    self.denied.update(reason.code for reason in decision.reasons)


def _portfolio(held: Counter[str], now_ns: int) -> PortfolioSnapshot:
    return snapshot(
        cash=Decimal(10**9),
        positions=tuple(position(symbol, str(held[symbol])) for symbol in sorted(held)),
        references=tuple(reference(symbol, age_ns=NOW_NS - now_ns) for symbol in SYMBOLS),
        as_of_ns=now_ns,
    )


def _replayed(changed: RiskLimits, seconds: int, tries: int, step: int = 1) -> Morning:
    morning = Morning(PreTradeGate(changed))
    morning.run(seconds, tries, step=step)
    return morning


def test_with_nothing_else_to_stop_it_a_repeated_order_is_stopped_in_its_first_copies() -> None:
    shorts = copy.replace(OPEN_LIMITS, allow_short=True)
    morning = _replayed(shorts, seconds=8, tries=PARENTS)
    # Two parents of the same symbol, side and size look like one: 5 each of 154 different orders at the most.
    assert sum(morning.sent.values()) <= 5 * len(SYMBOLS)
    assert max(morning.sent.values()) <= 5
    assert max(morning.seconds_with_orders) <= 5
    assert morning.denied[ReasonCode.REPEATED_ORDER] > 0


def test_children_that_all_differ_are_stopped_by_their_parent() -> None:
    shorts = copy.replace(OPEN_LIMITS, allow_short=True, repeats=1_000_000)
    morning = _replayed(shorts, seconds=24, tries=PARENTS)
    assert sum(morning.sent.values()) == 20 * PARENTS
    assert set(morning.sent.values()) == {20}
    assert morning.denied[ReasonCode.TOO_MANY_CHILDREN] == 4 * PARENTS


def test_the_limits_a_node_starts_with_let_through_a_handful_in_45_minutes() -> None:
    usual = limits(instruments=tuple(instrument(symbol) for symbol in SYMBOLS))
    morning = _replayed(usual, seconds=MINUTES * 60, tries=PARENTS, step=30)
    # 10,000 USD of equity are turned over once at the most, in orders of 100.
    assert sum(morning.sent.values()) <= 100
    assert max(morning.sent.values()) <= 5
