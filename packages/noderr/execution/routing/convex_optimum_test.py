"""Against CLARABEL: pools and books together are a convex program, stated as Angeris, Evans, Chitra and Boyd state it
(Optimal Routing for Constant Function Market Makers, 2022): the geometric mean of a pool's reserves never gets smaller.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import cvxpy
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from noderr.execution.routing import ClobCurve, CpmmCurve, VenueCurve, route
from noderr.execution.routing.testing import SIDES, exact_sum, instrument, levels
from noderr.types.trading import Side

cp: Any = cvxpy  # Its functions are exported in a way that mypy does not see.
D = Decimal
Pool = tuple[int, int, str]
Ladder = list[tuple[Decimal, Decimal]]
POOLS = st.tuples(st.integers(50, 2_000), st.integers(97, 103), st.sampled_from(["0.0005", "0.003", "0.01"]))


def optimum(side: Side, quantity: float, pools: list[Pool], ladders: list[Ladder], fee: float) -> float:
    """The signed cost, by the solver."""
    terms: list[Any] = []
    amounts: list[Any] = []
    constraints: list[Any] = []
    for base, price, pool_fee in pools:
        kept = 1 - float(pool_fee)
        got, given_ = cp.Variable(nonneg=True), cp.Variable(nonneg=True)
        reserve_in, reserve_out = (base * price, base) if side is Side.BUY else (base, base * price)
        # Both reserves in units of themselves: the solver likes numbers near one.
        after = cp.hstack([1 + kept * given_, 1 - got])
        constraints.append(cp.geo_mean(after) >= 1)
        bought, paid = got * reserve_out, given_ * reserve_in
        amounts.append(bought if side is Side.BUY else paid)
        terms.append(paid if side is Side.BUY else -bought)
    for ladder in ladders:
        taken = cp.Variable(len(ladder), nonneg=True)
        constraints.append(taken <= [float(size) for _, size in ladder])
        amounts.append(cp.sum(taken))
        terms.append(cp.sum(cp.multiply([side.sign * float(price) + fee * float(price) for price, _ in ladder], taken)))
    scale = 100 * quantity
    problem = cp.Problem(cp.Minimize(sum(terms) / scale), [*constraints, sum(amounts) / quantity == 1])
    problem.solve(solver=cp.CLARABEL)
    assert problem.status == cp.OPTIMAL
    return float(problem.value) * scale


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), SIDES, st.lists(POOLS, min_size=1, max_size=4), st.integers(20, 100))
def test_pools_and_books_are_split_as_the_solver_splits_them(
    data: st.DataObject, side: Side, pools: list[Pool], quantity: int
) -> None:
    ladders = [data.draw(levels(side)) for _ in range(data.draw(st.integers(0, 2)))]
    curves: dict[str, VenueCurve] = {
        f"pool{number}": CpmmCurve(
            side,
            base * 10**18,
            base * price * 10**6,
            fee=D(fee),
            base_decimals=18,
            quote_decimals=6,
            lot_size=D("0.000001"),
        )
        for number, (base, price, fee) in enumerate(pools)
    }
    for number, ladder in enumerate(ladders):
        curves[f"book{number}"] = ClobCurve.of(side, ladder, taker_fee=D("0.001"), instrument=instrument("0.0001"))
    # From 8 % of the pools: to their reserves, not to what is traded, the solver's tolerance relates.
    total = sum(base for base, _, _ in pools)
    wanted = D(total * quantity) / 250
    plan = route(side, wanted, curves)
    assert plan.insufficient is None
    assert exact_sum(child.quantity for child in plan.children) == wanted
    theirs = optimum(side, float(wanted), pools, ladders, 0.001)
    assert float(plan.cost) == pytest.approx(theirs, rel=1e-6)


def last_price(pool: Pool, side: Side, quantity: Decimal) -> Decimal:
    """What the last of so much costs or brings: the slope of x * y = k with the fee on what goes in."""
    base, price, fee = pool
    kept, product = 1 - D(fee), D(base) * D(base * price)
    with localcontext(prec=60):
        if side is Side.BUY:
            return product / (kept * (base - quantity) ** 2)
        return kept * product / (base + kept * quantity) ** 2


@settings(max_examples=100, deadline=None)
@example(
    [(50, 97, "0.01"), (50, 100, "0.0005"), (50, 100, "0.0005"), (815, 97, "0.01"), (839, 100, "0.0005")], Side.BUY, 1
)
@given(st.lists(POOLS, min_size=2, max_size=5), SIDES, st.integers(1, 100))
def test_the_last_unit_costs_the_same_in_every_pool_that_is_used(pools: list[Pool], side: Side, percent: int) -> None:
    curves = {
        f"pool{number}": CpmmCurve(
            side, base * 10**18, base * price * 10**6, fee=D(fee), base_decimals=18, quote_decimals=6
        )
        for number, (base, price, fee) in enumerate(pools)
    }
    plan = route(side, D(sum(base for base, _, _ in pools) * percent) / 200, curves)
    by_name = dict(zip(curves, pools, strict=True))
    # Not the limit: of very few base units that is the average, which has the rounding of a whole amount in it.
    used = {child.venue: last_price(by_name[child.venue], side, child.quantity) for child in plan.children}
    assert max(used.values()) - min(used.values()) < D("1e-12")
    water = next(iter(used.values()))
    for name, curve in curves.items():
        if name not in used:
            assert D(curve.prices[0]).scaleb(-curve.price_digits) >= side.sign * water - D("1e-12")
