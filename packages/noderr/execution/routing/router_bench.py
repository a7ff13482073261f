"""Measures the router against solvers in the same run: HiGHS for books, CLARABEL through cvxpy for pools and for both.

    python -m noderr.execution.routing.router_bench [--orders N]

Run it in the checkout's root with `packages` on PYTHONPATH. Processor time of one order, from curves that are
made already to the plan. The solvers get their numbers ready made too, and cvxpy a problem that is compiled already and
only gets another quantity. Orders alternate, and the costs must agree to 10^-6.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import cvxpy
import numpy as np
from scipy.optimize import linprog

from noderr.execution.routing import ClobCurve, CpmmCurve, VenueCurve, route
from noderr.types.trading import Instrument, Side

cp: Any = cvxpy
_LEVELS = 20
_FEE = Decimal("0.001")
_POOL_FEE = Decimal("0.003")
_ETHER = 10**18
_INSTRUMENT = Instrument(
    symbol="ETH/USD",
    tick_size=Decimal("0.01"),
    lot_size=Decimal("0.0001"),
    min_quantity=Decimal(0),
    min_notional=Decimal(0),
)


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--orders", type=int, default=200, help="orders of each kind (default: 200)")
    options = parser.parse_args()
    rng = random.Random(1)  # noqa: S311
    books = {f"book{number}": _ladder(rng) for number in range(5)}
    pools = {f"pool{number}": _reserves(rng) for number in range(5)}
    some_books, some_pools = dict(list(books.items())[:3]), dict(list(pools.items())[:2])
    print(f"{'one order over':<22} {'p50':>9} {'p99':>9}   peer in the same run")
    _compare("5 books of 20 levels", _curves(books, {}), _linear(books), options.orders, most=400)
    _compare("5 pools", _curves({}, pools), _convex({}, pools), options.orders, most=400)
    _compare(
        "3 books and 2 pools",
        _curves(some_books, some_pools),
        _convex(some_books, some_pools),
        options.orders,
        most=250,
    )
    _alone("5 books, fixed costs", _curves(books, {}), options.orders, fixed=True)
    _alone(
        "10 books, 3 at most", _curves({f"b{number}": _ladder(rng) for number in range(10)}, {}), options.orders, most=3
    )
    return 0


type Ladder = list[tuple[Decimal, Decimal]]
type Reserves = tuple[int, int]
type Peer = tuple[str, Callable[[Decimal], float]]


def _ladder(rng: random.Random) -> Ladder:
    first = rng.randint(300_000, 300_050)
    return [(Decimal(first + step * 5) / 100, Decimal(rng.randint(1_000, 80_000)) / 10_000) for step in range(_LEVELS)]


def _reserves(rng: random.Random) -> Reserves:
    base = rng.randint(1_000, 20_000)
    return base * _ETHER, base * rng.randint(2_990, 3_010) * 10**6


def _curves(books: Mapping[str, Ladder], pools: Mapping[str, Reserves]) -> dict[str, VenueCurve]:
    return {
        **{
            name: ClobCurve.of(Side.BUY, ladder, taker_fee=_FEE, instrument=_INSTRUMENT)
            for name, ladder in books.items()
        },
        **{
            name: CpmmCurve(
                Side.BUY, base, quote, fee=_POOL_FEE, base_decimals=18, quote_decimals=6, lot_size=Decimal("0.0001")
            )
            for name, (base, quote) in pools.items()
        },
    }


def _linear(books: Mapping[str, Ladder]) -> Peer:
    costs = np.array([float(price * (1 + _FEE)) for ladder in books.values() for price, _ in ladder])
    bounds = [(0.0, float(size)) for ladder in books.values() for _, size in ladder]
    ones = np.ones((1, len(costs)))

    def solve(quantity: Decimal) -> float:
        answer = linprog(costs, A_eq=ones, b_eq=[float(quantity)], bounds=bounds, method="highs")
        assert answer.fun is not None, answer.message
        return float(answer.fun)

    return "linprog (HiGHS)", solve


def _convex(books: Mapping[str, Ladder], pools: Mapping[str, Reserves]) -> Peer:
    wanted = cp.Parameter(pos=True)
    terms, amounts, constraints = [], [], []
    for base, quote in pools.values():
        got, paid = cp.Variable(nonneg=True), cp.Variable(nonneg=True)
        constraints.append(cp.geo_mean(cp.hstack([1 + float(1 - _POOL_FEE) * paid, 1 - got])) >= 1)
        amounts.append(got * (base / _ETHER))
        terms.append(paid * (quote / 10**6))
    for ladder in books.values():
        taken = cp.Variable(len(ladder), nonneg=True)
        constraints.append(taken <= [float(size) for _, size in ladder])
        amounts.append(cp.sum(taken))
        terms.append(cp.sum(cp.multiply([float(price * (1 + _FEE)) for price, _ in ladder], taken)))
    problem = cp.Problem(cp.Minimize(sum(terms) / 1e6), [*constraints, sum(amounts) == wanted])

    def solve(quantity: Decimal) -> float:
        wanted.value = float(quantity)
        problem.solve(solver=cp.CLARABEL)
        return float(problem.value) * 1e6

    return "cvxpy (CLARABEL)", solve


def _quantities(orders: int, most: int) -> list[Decimal]:
    rng = random.Random(2)  # noqa: S311
    return [Decimal(rng.randint(most * 1_000, most * 10_000)) / 10_000 for _ in range(orders)]


def _compare(what: str, curves: Mapping[str, VenueCurve], peer: Peer, orders: int, *, most: int) -> None:
    name, solve = peer
    ours, theirs = [], []
    solve(Decimal(most) / 2)  # Compiled once, outside of what is measured.
    for quantity in _quantities(orders, most):
        began = time.process_time()
        plan = route(Side.BUY, quantity, curves)
        ours.append(time.process_time() - began)
        began = time.process_time()
        cost = solve(quantity)
        theirs.append(time.process_time() - began)
        assert plan.insufficient is None
        assert abs(float(plan.cost) / cost - 1) < 1e-6, (plan.cost, cost)
    ratio = _percentile(theirs, 50) / _percentile(ours, 50)
    print(f"{_row(what, ours)}   {name} {_percentile(theirs, 50) * 1e6:,.0f} µs: {ratio:.1f} times ours")


def _alone(
    what: str, curves: Mapping[str, VenueCurve], orders: int, *, fixed: bool = False, most: int | None = None
) -> None:
    ours = []
    costs = {name: Decimal(number * 3) for number, name in enumerate(curves)} if fixed else None
    for quantity in _quantities(orders, 200):
        began = time.process_time()
        route(Side.BUY, quantity, curves, fixed_costs=costs, max_venues=most)
        ours.append(time.process_time() - began)
    print(_row(what, ours))


def _row(what: str, times: list[float]) -> str:
    return f"{what:<22} {_percentile(times, 50) * 1e6:6,.0f} µs {_percentile(times, 99) * 1e6:6,.0f} µs"


def _percentile(times: list[float], percent: int) -> float:
    return sorted(times)[min(len(times) - 1, len(times) * percent // 100)]


if __name__ == "__main__":
    raise SystemExit(main())
