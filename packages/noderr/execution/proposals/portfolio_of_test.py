"""Portfolios: equity is what is there at the mark, open orders count with what is left, days begin at midnight UTC."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from noderr.exchanges.account import Account
from noderr.exchanges.errors import AccountError
from noderr.exchanges.updates import VenueOrder
from noderr.execution.proposals.portfolio_of import EquityMarks, portfolio_of
from noderr.types.trading import Fill, Liquidity, Money, Order, OrderState, OrderType, Side
from noderr.types.trading.portfolio import Portfolio, Reference

DAY_NS = 86_400_000_000_000
NOW_NS = 20_000 * DAY_NS + 3_600_000_000_000


def fill(quantity: str = "2", fill_id: str = "f-1") -> Fill:
    return Fill(
        fill_id=fill_id,
        client_order_id="a",
        venue="kraken",
        symbol="XMR/USD",
        side=Side.BUY,
        price=Decimal(350),
        quantity=Decimal(quantity),
        fee=Money(Decimal("1.82"), "USD"),
        liquidity=Liquidity.TAKER,
        at_ns=NOW_NS,
    )


def references(price: str) -> dict[str, Reference]:
    return {"XMR/USD": Reference(symbol="XMR/USD", price=Decimal(price), as_of_ns=NOW_NS)}


def portfolio_at(
    price: str, *accounts: Account, open_orders: Sequence[VenueOrder] = (), marks: EquityMarks | None = None
) -> tuple[Portfolio, EquityMarks]:
    return portfolio_of(accounts, open_orders, references(price), currency="USD", marks=marks, now_ns=NOW_NS)


def test_equity_is_cash_and_what_is_held_at_its_mark() -> None:
    account = Account({"USD": Decimal(10_000)})
    account.apply(fill())
    portfolio, _ = portfolio_at("360", account)
    assert portfolio.cash == Decimal("9298.18")
    assert portfolio.equity == Decimal("10018.18")
    assert [(one.symbol, one.quantity, one.average_price) for one in portfolio.positions] == [
        ("XMR/USD", Decimal(2), Decimal(350))
    ]


def test_an_open_order_counts_with_what_is_left_of_it() -> None:
    account = Account({"USD": Decimal(10_000)})
    order = Order(
        client_order_id="a",
        symbol="XMR/USD",
        side=Side.BUY,
        type=OrderType.LIMIT,
        quantity=Decimal(3),
        limit_price=Decimal(351),
        created_at_ns=NOW_NS,
    )
    told = VenueOrder(
        order=order,
        venue_order_id="v-1",
        state=OrderState.PARTIALLY_FILLED,
        filled=Decimal(2),
        fills=(fill(),),
        as_of_ns=NOW_NS,
    )
    portfolio, _ = portfolio_at("360", account, open_orders=(told,))
    (one,) = portfolio.open_orders
    assert (one.quantity, one.worst_price) == (Decimal(1), Decimal(351))


def test_accounts_at_two_venues_are_one_portfolio() -> None:
    here, there = Account({"USD": Decimal(10_000)}), Account({"USD": Decimal(1_000)})
    here.apply(fill())
    there.apply(fill("1", "f-2"))
    portfolio, _ = portfolio_at("360", here, there)
    assert portfolio.cash == Decimal("9946.36")
    assert portfolio.equity == Decimal("11026.36")
    (position,) = portfolio.positions
    assert (position.quantity, position.average_price) == (Decimal(3), Decimal(350))
    assert position.realised_pnl == Money(Decimal("-3.64"), "USD")


@pytest.mark.parametrize("price", ["NaN", "0"])
def test_what_is_held_without_a_price_gives_no_portfolio(price: str) -> None:
    account = Account({"USD": Decimal(10_000)})
    account.apply(fill())
    with pytest.raises(AccountError, match="XMR/USD"):
        portfolio_at(price, account)


def test_losses_are_measured_from_the_marks_that_the_equity_of_now_belongs_to() -> None:
    account = Account({"USD": Decimal(10_000)})
    account.apply(fill())
    marks, seen = None, []
    for price in ("360", "400", "300"):
        portfolio, marks = portfolio_at(price, account, marks=marks)
        assert (portfolio.day_start_equity, portfolio.peak_equity) == (marks.day_start, marks.peak)
        seen.append((portfolio.equity, portfolio.day_start_equity, portfolio.peak_equity))
    first, highest, last = Decimal("10018.18"), Decimal("10098.18"), Decimal("9898.18")
    assert seen == [(first, first, first), (highest, first, highest), (last, first, highest)]


def test_the_marks_of_a_day() -> None:
    marks = EquityMarks.first(Decimal(100), NOW_NS)
    marks = marks.step(Decimal(120), NOW_NS + 1).step(Decimal(90), NOW_NS + 2)
    assert (marks.day_start, marks.peak) == (Decimal(100), Decimal(120))
    marks = marks.step(Decimal(95), NOW_NS + DAY_NS)
    assert (marks.day_start, marks.peak) == (Decimal(95), Decimal(120))
    assert marks.step(Decimal(80), NOW_NS) == marks
