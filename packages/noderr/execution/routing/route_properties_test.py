"""What holds whatever the venues have."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.execution.routing import ClobCurve, CpmmCurve, RoutePlan, VenueCurve, route
from noderr.execution.routing.testing import FEES, SIDES, exact_sum, instrument, levels
from noderr.types.trading import Side

D = Decimal
QUANTITIES = st.integers(1, 120).map(lambda halves: D(halves) / 2)


@st.composite
def venues(draw: st.DrawFn, side: Side, *, pools: bool = True, fewest: int = 1) -> dict[str, VenueCurve]:
    curves: dict[str, VenueCurve] = {}
    for number in range(draw(st.integers(fewest, 4))):
        if pools and draw(st.booleans()):
            base = draw(st.integers(10, 500))
            curves[f"v{number}"] = CpmmCurve(
                side,
                base * 10**18,
                base * draw(st.integers(97, 103)) * 10**6,
                fee=D("0.003"),
                base_decimals=18,
                quote_decimals=6,
                lot_size=draw(st.sampled_from([D("0.5"), D("0.001"), None])),
            )
        else:
            rules = instrument(draw(st.sampled_from(["0.5", "0.1", "0.01"])))
            curves[f"v{number}"] = ClobCurve.of(side, draw(levels(side)), taker_fee=draw(FEES), instrument=rules)
    return curves


def rank(plan: RoutePlan) -> tuple[Decimal, Decimal]:
    return (-plan.filled, plan.cost)


@settings(max_examples=150, deadline=None)
@given(st.data(), SIDES, QUANTITIES, st.none() | st.integers(1, 3), st.none() | st.integers(9_850, 10_150))
def test_every_part_adds_up(
    data: st.DataObject, side: Side, quantity: Decimal, most: int | None, cents: int | None
) -> None:
    curves = data.draw(venues(side))
    fixed = {name: D(data.draw(st.integers(0, 3))) for name in curves}
    per_unit = {name: D(data.draw(st.integers(0, 3))) / 100 for name in curves}
    limit = None if cents is None else D(cents) / 100
    plan = route(side, quantity, curves, limit_price=limit, fixed_costs=fixed, unit_costs=per_unit, max_venues=most)
    left = plan.insufficient.unfilled if plan.insufficient else D(0)
    assert exact_sum([child.quantity for child in plan.children] + [left]) == quantity
    assert exact_sum(child.quantity for child in plan.children) == plan.filled
    assert exact_sum(part for child in plan.children for part in (child.cost, child.overhead)) == plan.cost
    assert exact_sum(child.fees for child in plan.children) == plan.fees
    if plan.insufficient:
        assert exact_sum(part for _, part in plan.insufficient.reasons) == plan.insufficient.unfilled
        assert plan.insufficient.filled == plan.filled
    for child in plan.children:
        curve = curves[child.venue]
        units = child.quantity.scaleb(curve.quantity_digits)
        assert units == int(units)
        assert int(units) % curve.lot == 0
        assert child.overhead == fixed[child.venue] + per_unit[child.venue] * child.quantity
        if limit is not None:
            assert (child.limit_price - limit) * side.sign <= 0


@settings(max_examples=150, deadline=None)
@given(st.data(), SIDES, QUANTITIES)
def test_no_single_venue_is_better(data: st.DataObject, side: Side, quantity: Decimal) -> None:
    curves = data.draw(venues(side))
    fixed = {name: D(data.draw(st.integers(0, 3))) for name in curves}
    plan = route(side, quantity, curves, fixed_costs=fixed)
    alone = [
        (route(side, quantity, {name: curve}, fixed_costs={name: fixed[name]}), name) for name, curve in curves.items()
    ]
    assert all(rank(plan) <= rank(single) for single, _ in alone)
    best = min((rank(single), name) for single, name in alone)
    if plan.single is not None:
        assert ((-plan.single.quantity, plan.single.cost), plan.single.venue) == best
        assert plan.saving is None or plan.saving >= 0


@settings(max_examples=150, deadline=None)
@given(st.data(), SIDES, QUANTITIES, st.integers(1, 3))
def test_one_venue_more_never_hurts(data: st.DataObject, side: Side, quantity: Decimal, most: int) -> None:
    curves = data.draw(venues(side, fewest=2))
    fixed = {name: D(data.draw(st.integers(0, 3))) for name in curves}
    last = list(curves)[-1]
    fewer = {name: curve for name, curve in curves.items() if name != last}
    without = route(side, quantity, fewer, fixed_costs={name: fixed[name] for name in fewer}, max_venues=most)
    with_ = route(side, quantity, curves, fixed_costs=fixed, max_venues=most)
    # The amounts of pools are rounded to 10^-6.
    rounding = sum(isinstance(curve, CpmmCurve) for curve in curves.values()) * D("0.000001")
    assert with_.filled > without.filled or (with_.filled == without.filled and with_.cost <= without.cost + rounding)


@settings(max_examples=100, deadline=None)
@given(st.data(), SIDES, QUANTITIES, QUANTITIES)
def test_more_is_filled_and_costs_more_the_more_is_wanted(
    data: st.DataObject, side: Side, first: Decimal, second: Decimal
) -> None:
    curves = data.draw(venues(side))
    less, more = (route(side, quantity, curves) for quantity in sorted((first, second)))
    assert less.filled <= more.filled
    assert less.cost * side.sign <= more.cost * side.sign
    if less.filled and less.filled < more.filled:
        # On average every further unit is no better than those before.
        assert (more.cost - less.cost) / (more.filled - less.filled) >= less.cost / less.filled - D("0.00002")


@settings(max_examples=100, deadline=None)
@given(st.data(), QUANTITIES)
def test_a_sale_mirrors_a_purchase(data: st.DataObject, quantity: Decimal) -> None:
    ladders = [data.draw(levels(Side.BUY)) for _ in range(data.draw(st.integers(1, 4)))]
    buys, sells = (
        {
            f"v{number}": ClobCurve.of(
                side,
                [(price if side is Side.BUY else 200 - price, size) for price, size in ladder],
                taker_fee=D(0),
                instrument=instrument("0.5"),
            )
            for number, ladder in enumerate(ladders)
        }
        for side in Side
    )
    bought, sold = route(Side.BUY, quantity, buys), route(Side.SELL, quantity, sells)
    assert [(child.venue, child.quantity) for child in bought.children] == [
        (child.venue, child.quantity) for child in sold.children
    ]
    assert bought.cost == sold.cost + 200 * bought.filled


@settings(max_examples=50, deadline=None)
@given(st.data(), SIDES, QUANTITIES)
def test_the_order_in_which_venues_are_given_does_not_matter(
    data: st.DataObject, side: Side, quantity: Decimal
) -> None:
    curves = data.draw(venues(side))
    assert route(side, quantity, curves) == route(side, quantity, dict(reversed(curves.items())))
