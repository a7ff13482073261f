"""Measures the gate against the same arithmetic written straight down, in one run: processor time of one check.

    python -m noderr.risk_engine.gate_bench [--checks N] [--positions N]

Run it in the checkout's root with `packages` on PYTHONPATH. The peer is what one writes first: a dict of positions and
a list of orders, walked anew for each order, every rule an `if`. Both judge the same orders of the same book; rounds
alternate, and their verdicts must agree. Processor time, so that a busy machine disturbs little.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from decimal import Decimal

from noderr.risk_engine import OrderFlow, PortfolioSnapshot, PreTradeGate, RiskLimits, TradingState
from noderr.risk_engine.flow import Approved
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

_ROUNDS = 5


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--checks", type=int, default=4_000, help="orders a round (default: 4000)")
    parser.add_argument("--positions", type=int, default=20, help="symbols that are held (default: 20)")
    options = parser.parse_args()
    symbols = sorted(f"S{number:03}/USD" for number in range(options.positions))
    gate = PreTradeGate(limits(instruments=tuple(instrument(symbol) for symbol in symbols)))
    flow, portfolio = _flow(gate), _portfolio(symbols)
    some = [_order(number, symbols) for number in range(options.checks)]
    peer = Naive(gate.limits, portfolio, flow)

    def ours(one: Order) -> bool:
        return gate.check(
            one, portfolio, NOW_NS, flow=flow, state=TradingState.ACTIVE, parent=one.client_order_id
        ).approved

    assert [ours(one) for one in some] == [peer.check(one) for one in some], "the two do not judge alike"
    print(f"{sum(map(ours, some))} of {len(some)} orders pass; {options.positions} positions")
    times: dict[str, list[int]] = {"gate": [], "naive": []}
    for _ in range(_ROUNDS):
        times["gate"] += _measure(ours, some)
        times["naive"] += _measure(peer.check, some)
    times["clock"] = _measure(lambda _one: True, some)  # What reading it costs, which is in the other two.
    for name, each in times.items():
        each.sort()
        p50, p99 = _median(each) / 1e3, each[len(each) * 99 // 100] / 1e3
        print(f"{name:6} p50 {p50:7.1f} us   p99 {p99:7.1f} us")
    print(f"ratio of the medians {_median(times['gate']) / _median(times['naive']):.2f}")
    return 0


def _median(ascending: list[int]) -> int:
    return ascending[len(ascending) // 2]


def _measure(check: Callable[[Order], bool], some: list[Order]) -> list[int]:
    taken = []
    for one in some:
        before = time.thread_time_ns()
        check(one)
        taken.append(time.thread_time_ns() - before)
    return taken


class Naive:
    """The same rules but for the times and shapes, over plain containers."""

    def __init__(self, limit: RiskLimits, portfolio: PortfolioSnapshot, flow: OrderFlow) -> None:
        self.limit = limit
        self.portfolio = portfolio
        self.positions = {each.symbol: each.quantity for each in portfolio.positions}
        self.open = [(each.symbol, each.side, each.quantity, each.worst_price) for each in portfolio.open_orders]
        self.prices = {each.symbol: each.price for each in portfolio.references}
        self.sent = [(each.at_ns, each.order, each.worst_price) for each in flow._all]

    def check(self, one: Order) -> bool:
        limit, equity = self.limit, self.portfolio.equity
        price = one.limit_price or self.prices[one.symbol]
        listed = next(each for each in limit.instruments if each.instrument.symbol == one.symbol)
        opened = [*self.open, (one.symbol, one.side, one.quantity, price)]
        bought = {symbol: Decimal(0) for symbol in self.prices}
        sold = dict(bought)
        for symbol, side, quantity, _ in opened:
            (bought if side is Side.BUY else sold)[symbol] += quantity
        ends = {
            symbol: (self.positions.get(symbol, 0) + bought[symbol], self.positions.get(symbol, 0) - sold[symbol])
            for symbol in self.prices
        }
        exposure = {symbol: max(map(abs, ends[symbol])) * self.prices[symbol] for symbol in self.prices}
        reduces = ends[one.symbol][0] <= 0 if one.side is Side.BUY else ends[one.symbol][1] >= 0
        reserved = sum(quantity * worst for _, side, quantity, worst in opened if side is Side.BUY)
        net = [sum((ends[symbol][end] * self.prices[symbol] for symbol in self.prices), Decimal(0)) for end in (0, 1)]
        same = [at_ns for at_ns, order, _ in self.sent if (order.symbol, order.quantity) == (one.symbol, one.quantity)]
        turnover = sum(order.quantity * worst for _, order, worst in self.sent) + one.quantity * price
        group = sum(exposure[each.instrument.symbol] for each in limit.instruments if each.group == listed.group)
        return (
            one.quantity <= listed.max_quantity
            and listed.instrument.min_notional <= one.quantity * price <= limit.order_notional
            and abs(price - self.prices[one.symbol]) <= limit.collar_fraction * self.prices[one.symbol]
            and (one.side is Side.SELL or reserved <= self.portfolio.cash)
            and (one.side is Side.BUY or reduces)
            and len(opened) <= limit.open_orders
            and len(same) < limit.repeats
            and sum(at_ns > NOW_NS - SECOND_NS for at_ns, _, _ in self.sent) < limit.orders_per_second
            and sum(at_ns > NOW_NS - 60 * SECOND_NS for at_ns, _, _ in self.sent) < limit.orders_per_minute
            and (
                reduces
                or (
                    one.quantity * price <= limit.order_fraction * equity
                    and exposure[one.symbol] <= listed.fraction * equity
                    and group <= limit.group_fraction * equity
                    and sum(exposure.values()) <= limit.gross_fraction * equity
                    and max(abs(end) for end in net) <= limit.net_fraction * equity
                    and turnover <= limit.turnover_fraction * equity
                )
            )
        )


def _portfolio(symbols: list[str]) -> PortfolioSnapshot:
    return snapshot(
        positions=tuple(position(symbol, "2") for symbol in symbols),
        references=tuple(reference(symbol) for symbol in symbols),
        open_orders=tuple(open_order(number, symbol=symbols[number]) for number in range(5)),
    )


def _flow(gate: PreTradeGate) -> OrderFlow:
    flow = gate.new_flow()
    for number in range(30):
        before = order(10_000 + number, symbol="S000/USD", quantity=Decimal(number + 200) / 1000)
        flow.record(Approved(NOW_NS - (100 - number) * SECOND_NS, before, Decimal(100), None))
    return flow


def _order(number: int, symbols: list[str]) -> Order:
    return order(
        number,
        symbol=symbols[number % len(symbols)],
        side=Side.SELL if number % 3 == 0 else Side.BUY,
        quantity=Decimal(1 + number % 60) / 10,
        limit_price=Decimal(9_600 + number % 800) / 100,
    )


if __name__ == "__main__":
    raise SystemExit(main())
