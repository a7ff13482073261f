"""Against HiGHS: splitting over books is a linear program; with smallest orders or fixed costs a mixed-integer one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from noderr.execution.routing import ClobCurve, route
from noderr.execution.routing.testing import FEES, SIDES, exact_sum, instrument, levels
from noderr.types.trading import Side

Book = tuple[list[tuple[Decimal, Decimal]], Decimal]


@st.composite
def books(draw: st.DrawFn, side: Side, most: int) -> list[Book]:
    return [(draw(levels(side)), draw(FEES)) for _ in range(draw(st.integers(1, most)))]


def marginal_costs(side: Side, books: list[Book]) -> list[float]:
    """Of each level of each book, signed."""
    return [side.sign * float(price) * (1 + side.sign * float(fee)) for pairs, fee in books for price, _ in pairs]


@settings(max_examples=300, deadline=None)
@given(st.data(), SIDES, st.integers(1, 60))
def test_a_split_of_books_is_the_linear_optimum(data: st.DataObject, side: Side, quantity: int) -> None:
    given_books = data.draw(books(side, 5))
    curves = {
        f"v{number}": ClobCurve.of(side, pairs, taker_fee=fee, instrument=instrument("0.1"))
        for number, (pairs, fee) in enumerate(given_books)
    }
    plan = route(side, Decimal(quantity), curves)
    sizes = [float(size) for pairs, _ in given_books for _, size in pairs]
    assert plan.filled == min(quantity, int(sum(sizes)))
    costs = marginal_costs(side, given_books)
    theirs = linprog(
        costs,
        A_eq=np.ones((1, len(costs))),
        b_eq=[float(plan.filled)],
        bounds=[(0, size) for size in sizes],
        method="highs",
    )
    assert theirs.success
    assert float(plan.cost) == pytest.approx(theirs.fun, rel=1e-9)
    assert exact_sum(child.quantity for child in plan.children) == plan.filled


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), SIDES, st.integers(1, 40))
def test_with_fixed_costs_minima_and_a_bound_it_is_the_integer_optimum(
    data: st.DataObject, side: Side, quantity: int
) -> None:
    given_books = data.draw(books(side, 5))
    count = len(given_books)
    fixed = [data.draw(st.sampled_from([0, 0, 1, 5, 20])) for _ in given_books]
    least = [data.draw(st.sampled_from([1, 1, 2, 7, 15])) for _ in given_books]
    most = data.draw(st.integers(1, count))
    curves = {
        f"v{number}": ClobCurve.of(side, pairs, taker_fee=fee, instrument=instrument(min_quantity=str(least[number])))
        for number, (pairs, fee) in enumerate(given_books)
    }
    plan = route(
        side,
        Decimal(quantity),
        curves,
        fixed_costs={f"v{number}": Decimal(cost) for number, cost in enumerate(fixed)},
        max_venues=most,
    )
    # What is filled at most, and then what that costs at least: two programs.
    filled, _ = mixed_integer(side, given_books, [0] * count, least, most, (0, quantity), fill=True)
    assert plan.filled == -round(filled)
    cost, _ = mixed_integer(side, given_books, fixed, least, most, (-round(filled),) * 2, fill=False)
    assert float(plan.cost) == pytest.approx(cost, rel=1e-9, abs=1e-9)
    assert len(plan.children) <= most
    for child in plan.children:
        assert child.quantity >= least[int(child.venue[1:])]


def mixed_integer(
    side: Side,
    books: list[Book],
    fixed: list[int],
    least: list[int],
    most: int,
    between: tuple[int, int],
    *,
    fill: bool,
) -> tuple[float, Any]:
    """HiGHS on one variable a level and one a venue that is 1 if it trades."""
    sizes = np.array([float(size) for pairs, _ in books for _, size in pairs])
    owner = np.array([venue for venue, (pairs, _) in enumerate(books) for _ in pairs])
    count = len(books)
    costs = np.concatenate([-np.ones(len(sizes)) if fill else marginal_costs(side, books), fixed])
    rows: list[Any] = [np.concatenate([np.ones(len(sizes)), np.zeros(count)])]
    low, high = [float(between[0])], [float(between[1])]
    rows.append(np.concatenate([np.zeros(len(sizes)), np.ones(count)]))
    low.append(0)
    high.append(most)
    for venue in range(count):
        trades = (owner == venue).astype(float)
        used = np.eye(count)[venue]
        rows.append(np.concatenate([trades, -sizes[owner == venue].sum() * used]))
        low.append(-np.inf)
        high.append(0)
        rows.append(np.concatenate([trades, -least[venue] * used]))
        low.append(0)
        high.append(np.inf)
    answer = milp(
        costs,
        constraints=LinearConstraint(np.array(rows), low, high),
        bounds=Bounds(0, np.concatenate([sizes, np.ones(count)])),
        integrality=np.concatenate([np.zeros(len(sizes)), np.ones(count)]),
        options={"mip_rel_gap": 0},
    )
    assert answer.success, answer.message
    return float(answer.fun), answer.x
