"""The router's promises, one by one; the first ones are what a reference implementation got wrong."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest

from noderr.execution.errors import RouteError
from noderr.execution.routing import ClobCurve, CpmmCurve, Insufficient, Shortfall, SingleVenue, route
from noderr.execution.routing.testing import book, instrument, shares
from noderr.types.trading import Side

D = Decimal


def test_the_price_decides() -> None:
    plan = route(Side.BUY, D(10), {"a": book([(105, 100)]), "b": book([(100, 100)])})
    assert shares(plan) == {"b": D(10)}
    assert (plan.cost, plan.insufficient) == (D(1000), None)


def test_fees_are_part_of_the_price() -> None:
    plan = route(Side.BUY, D(10), {"a": book([(100, 100)], fee="0.006"), "b": book([("100.50", 100)], fee="0.0001")})
    assert shares(plan) == {"b": D(10)}
    assert (plan.cost, plan.fees) == (D("1005.1005"), D("0.1005"))


def test_what_is_missing_is_said_and_not_averaged() -> None:
    plan = route(Side.BUY, D(10), {"a": book([(100, 5)])})
    assert plan.insufficient == Insufficient(D(5), D(5), ((Shortfall.LIQUIDITY, D(5)),))
    assert (plan.filled, plan.cost) == (D(5), D(500))


def test_a_sellers_limit_counts_the_bids_that_honour_it() -> None:
    plan = route(Side.SELL, D(8), {"a": book([(100, 1), (99, 7)], side=Side.SELL)}, limit_price=D("99.5"))
    assert shares(plan) == {"a": D(1)}
    assert plan.insufficient == Insufficient(D(1), D(7), ((Shortfall.LIMIT_PRICE, D(7)),))
    assert plan.cost == D(-100)


def test_a_buyers_limit_is_on_the_price_and_not_on_the_fee() -> None:
    plan = route(Side.BUY, D(3), {"a": book([(100, 2), ("100.01", 9)], fee="0.01")}, limit_price=D(100))
    assert (shares(plan), plan.cost) == ({"a": D(2)}, D(202))


def test_less_than_one_is_split_like_any_quantity() -> None:
    fine = instrument("0.1")
    plan = route(
        Side.BUY,
        D("0.5"),
        {"a": book([(100, "0.2"), (103, 9)], of=fine), "b": book([(101, "0.3"), (102, 9)], of=fine)},
    )
    assert shares(plan) == {"a": D("0.2"), "b": D("0.3")}
    assert plan.cost == D("50.3")


@pytest.mark.parametrize("names", ["ab", "ba"])
def test_of_equal_books_the_first_name_goes_first_however_they_are_given(names: str) -> None:
    plan = route(Side.BUY, D(100), {name: book([(100, 60)]) for name in names})
    assert [(child.venue, child.quantity) for child in plan.children] == [("a", D(60)), ("b", D(40))]


def test_an_answer_is_not_remembered_for_another_order() -> None:
    curves = {"a": book([(100, 10)]), "b": book([(101, 90)])}
    assert route(Side.BUY, D(10), curves).filled == D(10)
    assert shares(route(Side.BUY, D(90), curves)) == {"a": D(10), "b": D(80)}


def test_a_child_names_its_worst_price_and_what_it_pays_for() -> None:
    plan = route(
        Side.BUY,
        D(7),
        {"a": book([("100.10", 2), ("100.20", 3)], fee="0.001"), "b": book([("100.60", 9)])},
        fixed_costs={"a": D("0.25")},
        unit_costs={"a": D("0.01")},
    )
    a, b = plan.children
    assert (a.quantity, a.limit_price, a.fees) == (D(5), D("100.2"), D("0.5008"))
    assert (a.cost, a.overhead) == (D("501.3008"), D("0.3"))
    assert (b.quantity, b.limit_price, b.cost, b.overhead) == (D(2), D("100.6"), D("201.2"), D(0))
    assert plan.cost == a.cost + a.overhead + b.cost
    assert plan.single == SingleVenue("b", D(7), D("704.2"))
    assert plan.saving == D("704.2") - plan.cost


def test_what_no_venue_fills_alone_has_no_saving() -> None:
    plan = route(Side.BUY, D(10), {"a": book([(100, 5)]), "b": book([(101, 6)])})
    assert (plan.single, plan.saving) == (SingleVenue("b", D(6), D(606)), None)


def test_a_fixed_cost_is_paid_only_where_it_is_worth_it() -> None:
    curves = {"a": book([(100, 100)]), "gas": book([(99, 100)])}
    assert shares(route(Side.BUY, D(4), curves, fixed_costs={"gas": D(5)})) == {"a": D(4)}
    assert shares(route(Side.BUY, D(6), curves, fixed_costs={"gas": D(5)})) == {"gas": D(6)}


def test_an_expected_loss_per_unit_is_part_of_the_price() -> None:
    curves = {"sure": book([(100, 9)]), "shaky": book([(99, 9)])}
    assert shares(route(Side.BUY, D(1), curves, unit_costs={"shaky": D("1.01")})) == {"sure": D(1)}
    assert shares(route(Side.BUY, D(1), curves, unit_costs={"shaky": D("0.99")})) == {"shaky": D(1)}


def test_no_more_venues_than_allowed_and_the_best_of_these() -> None:
    curves = {"a": book([(100, 5)]), "b": book([(101, 5)]), "c": book([(102, 10)])}
    assert shares(route(Side.BUY, D(10), curves)) == {"a": D(5), "b": D(5)}
    assert shares(route(Side.BUY, D(10), curves, max_venues=1)) == {"c": D(10)}
    assert shares(route(Side.BUY, D(12), curves, max_venues=2)) == {"a": D(5), "c": D(7)}
    plan = route(Side.BUY, D(19), curves, max_venues=2)
    assert plan.insufficient == Insufficient(D(15), D(4), ((Shortfall.MAX_VENUES, D(4)),))


def test_each_child_is_in_its_venues_lots() -> None:
    curves = {
        "coarse": book([(100, 50)], of=instrument("10")),
        "fine": book([(101, "50")], of=instrument("0.5")),
    }
    assert shares(route(Side.BUY, D("27.5"), curves)) == {"coarse": D(20), "fine": D("7.5")}
    plan = route(Side.BUY, D("27.7"), curves)
    assert plan.insufficient == Insufficient(D("27.5"), D("0.2"), ((Shortfall.LOT, D("0.2")),))


def test_a_cheap_small_level_does_not_leave_a_coarse_lot_unfilled() -> None:
    curves = {"cheap": book([(90, 1)]), "coarse": book([(100, 10)], of=instrument("2"))}
    assert shares(route(Side.BUY, D(4), curves)) == {"coarse": D(4)}


def test_a_child_below_the_venues_minimum_goes_elsewhere() -> None:
    curves = {"a": book([(100, 9)], of=instrument(min_quantity="3")), "b": book([(101, 9)])}
    assert shares(route(Side.BUY, D(2), curves)) == {"b": D(2)}
    assert shares(route(Side.BUY, D(3), curves)) == {"a": D(3)}
    two = {"a": book([(100, 9)]), "b": book([(101, 9)], of=instrument(min_quantity="3"))}
    assert shares(route(Side.BUY, D(10), two)) == {"a": D(7), "b": D(3)}
    plan = route(Side.BUY, D(2), {"a": curves["a"]})
    assert plan.insufficient == Insufficient(D(0), D(2), ((Shortfall.MINIMUM, D(2)),))
    assert (plan.children, plan.cost, plan.single) == ((), D(0), None)


@pytest.mark.parametrize(("side", "least"), [(Side.BUY, 5), (Side.SELL, 6)])
def test_the_minimum_in_money_holds_at_the_limit_too(side: Side, least: int) -> None:
    # Five bids come to 498, and to 495 at the limit that they need.
    prices = (100, 101) if side is Side.BUY else (100, 99)
    rules = instrument(min_notional="500")
    curve = book([(prices[0], 3), (prices[1], 20)], side=side, of=rules)
    for quantity in range(1, 12):
        plan = route(side, D(quantity), {"a": curve})
        assert plan.filled == (quantity if quantity >= least else 0)
        for child in plan.children:
            rules.check_quantity(child.quantity, child.limit_price)


def test_reasons_add_up() -> None:
    curves: Mapping[str, ClobCurve] = {
        "a": book([(100, 5), (110, 4)]),
        "b": book([(101, 5)], of=instrument(min_quantity="6")),
        "c": book([(102, 2)]),
    }
    plan = route(Side.BUY, D("30.5"), curves, limit_price=D(105), max_venues=1)
    assert plan.insufficient == Insufficient(
        D(5),
        D("25.5"),
        (
            (Shortfall.LIQUIDITY, D("14.5")),
            (Shortfall.LIMIT_PRICE, D(4)),
            (Shortfall.MINIMUM, D(5)),
            (Shortfall.MAX_VENUES, D(2)),
        ),
    )


def test_a_pool_stops_where_its_price_with_its_fee_reaches_the_limit() -> None:
    pool = CpmmCurve(
        Side.BUY,
        1_000 * 10**18,
        100_000 * 10**6,
        fee=D("0.003"),
        base_decimals=18,
        quote_decimals=6,
        lot_size=D("0.01"),
    )
    plan = route(Side.BUY, D(100), {"pool": pool}, limit_price=D("102"))
    # 100,000 x 1,000 / (0.997 (1,000 - q)^2) = 102 at q = 8.3602...
    assert plan.filled == D("8.36")
    (child,) = plan.children
    assert child.cost <= child.quantity * child.limit_price
    assert D("101.99") < child.limit_price <= D(102)


FINE = book([(100, 1)])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"quantity": D(0)}, "quantity"),
        ({"quantity": D("NaN")}, "quantity"),
        ({"quantity": 1.0}, "quantity"),
        ({"limit_price": D(-1)}, "limit_price"),
        ({"max_venues": 0}, "max_venues"),
        ({"curves": {}}, "0 venues"),
        ({"curves": {str(number): FINE for number in range(11)}}, "11 venues"),
        ({"side": Side.SELL}, "curve of a buy"),
        ({"fixed_costs": {"b": D(1)}}, "'b'"),
        ({"fixed_costs": {"a": D(-1)}}, "at least 0"),
        ({"unit_costs": {"a": D("Infinity")}}, "at least 0"),
        ({"curves": {"a": FINE, "b": book([(100, 3)], of=instrument("1.5"))}}, "b's lot"),
    ],
)
def test_what_has_no_answer_is_refused(arguments: dict[str, object], words: str) -> None:
    given: dict[str, object] = {"side": Side.BUY, "quantity": D(1), "curves": {"a": FINE}, **arguments}
    with pytest.raises(RouteError, match=words):
        route(given.pop("side"), given.pop("quantity"), given.pop("curves"), **given)  # type: ignore[arg-type]
