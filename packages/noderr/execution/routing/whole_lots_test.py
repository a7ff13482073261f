"""Against trying every split."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import combinations, product

from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.execution.routing import ClobCurve, CpmmCurve, VenueCurve, route
from noderr.execution.routing.testing import FEES, SIDES, book, instrument, levels, shares
from noderr.types.trading import Side

D = Decimal
LOTS = st.sampled_from(["1", "1", "2", "6", "0.5"])


@st.composite
def venues(draw: st.DrawFn, side: Side) -> dict[str, VenueCurve]:
    curves: dict[str, VenueCurve] = {}
    for number in range(draw(st.integers(1, 3))):
        rules = instrument(draw(LOTS), min_quantity=draw(st.sampled_from(["0", "0", "3"])))
        ladder = draw(levels(side, most=3, largest=5))
        if draw(st.booleans()):
            ladder = [(price, size / 4) for price, size in ladder]
        curves[f"v{number}"] = ClobCurve.of(side, ladder, taker_fee=draw(FEES), instrument=rules)
    return curves


def amounts(curve: VenueCurve, target: Decimal) -> list[Decimal]:
    """All that a venue can be given, in base."""
    per = D(10) ** curve.quantity_digits
    return [D(0)] + [
        units / per
        for units in map(D, range(curve.least + (-curve.least % curve.lot), curve.capacity + 1, curve.lot))
        if units / per <= target
    ]


def brute_force(
    curves: Mapping[str, VenueCurve], target: Decimal, fixed: Mapping[str, Decimal], most: int
) -> tuple[Decimal, Decimal]:
    """The most that can be filled, and the least that it costs."""
    best = (D(0), D(0))
    for split in product(*(amounts(curve, target) for curve in curves.values())):
        used = [(name, quantity) for name, quantity in zip(curves, split, strict=True) if quantity]
        filled = sum(split, D(0))
        if filled > target or len(used) > most:
            continue
        cost = sum(
            (
                curves[name].cost(int(quantity.scaleb(curves[name].quantity_digits)))
                * D(10) ** -curves[name].money_digits
                + fixed.get(name, D(0))
                for name, quantity in used
            ),
            D(0),
        )
        best = min(best, (-filled, cost))
    return -best[0], best[1]


@settings(max_examples=200, deadline=None)
@given(st.data(), SIDES, st.integers(1, 40))
def test_no_split_is_better(data: st.DataObject, side: Side, halves: int) -> None:
    curves = data.draw(venues(side))
    target = D(halves) / 2
    fixed = {name: D(data.draw(st.sampled_from([0, 0, 0, 1, 9]))) for name in curves}
    most = data.draw(st.integers(1, len(curves)))
    plan = route(side, target, curves, fixed_costs=fixed, max_venues=most)
    assert (plan.filled, plan.cost) == brute_force(curves, target, fixed, most)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(10**4, 10**6), st.integers(10**4, 10**6)), min_size=2, max_size=3),
    SIDES,
    st.integers(1, 40),
    st.booleans(),
)
def test_pools_of_few_units_are_split_to_a_unit_each(
    reserves: list[tuple[int, int]], side: Side, target: int, mixed: bool
) -> None:
    # Base units are lots, and the amounts are so small that their rounding is all that matters.
    curves: dict[str, VenueCurve] = {
        f"v{number}": CpmmCurve(side, base, quote, fee=D("0.003"), base_decimals=0, quote_decimals=0)
        for number, (base, quote) in enumerate(reserves)
    }
    if mixed:
        ladder = [(D(1), D(20)), (D(2), D(20))]
        curves["book"] = ClobCurve.of(
            side, ladder if side is Side.BUY else ladder[::-1], taker_fee=D(0), instrument=instrument("2", tick="1")
        )
    plan = route(side, D(target), curves)
    splits = range(target + 1)
    best = min(
        sum(
            curve.cost(quantity) * 10**-curve.money_digits
            for curve, quantity in zip(curves.values(), split, strict=True)
        )
        for split in product(splits, repeat=len(curves))
        if sum(split) == target
        and all(not quantity % curve.lot for curve, quantity in zip(curves.values(), split, strict=True))
    )
    assert plan.filled == target
    assert best <= plan.cost <= best + len(reserves)


def test_a_lot_that_spans_two_levels_costs_their_average() -> None:
    # The second lot of `spans` is half at 100 and half at 101: cheaper than 100.7, though it is not there at 100.7.
    spans = book([(100, "1.5"), (101, 5)])
    plan = route(Side.BUY, D(3), {"cheap": book([(99, 1)]), "spans": spans, "whole": book([("100.7", 9)])})
    assert (shares(plan), plan.cost) == ({"cheap": D(1), "spans": D(2)}, D("299.5"))


def test_a_coarse_lot_that_spans_two_levels_costs_their_average() -> None:
    coarse = book([(90, 1), (100, 9)], of=instrument("2"))
    plan = route(Side.BUY, D(3), {"coarse": coarse, "fine": book([(80, 1), (96, 10)])})
    assert (shares(plan), plan.cost) == ({"coarse": D(2), "fine": D(1)}, D(270))


def test_every_pair_of_lots_that_divide_is_taken() -> None:
    for small, large in combinations(["0.01", "0.1", "0.5", "1", "2", "10"], 2):
        curves = {
            "small": ClobCurve.of(Side.BUY, [(D(101), D(40))], taker_fee=D(0), instrument=instrument(small)),
            "large": ClobCurve.of(Side.BUY, [(D(100), D(40))], taker_fee=D(0), instrument=instrument(large)),
        }
        target = D(20) + D(small)
        plan = route(Side.BUY, target, curves)
        assert (plan.filled, plan.cost) == (target, 2000 + 101 * D(small))
