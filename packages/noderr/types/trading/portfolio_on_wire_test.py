"""Portfolios on the wire: the digest that guardians see is the one that was proposed, or the message is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.types.trading import FieldError, Money, Position, Side
from noderr.types.trading.portfolio import OpenOrder, Portfolio, Reference
from noderr.types.trading.portfolio_on_wire import portfolio_from_wire, portfolio_to_wire
from noderr.types.wire import trading_pb2 as pb

NOW_NS = 1_790_000_000_000_000_000
SYMBOLS = ("BTC/USD", "ETH/USD", "XMR/USD")
numbers = st.decimals(min_value=-(10**9), max_value=10**9, places=8)
prices = st.decimals(min_value="0.00000001", max_value=10**9, places=8)


def positions(symbol: str) -> st.SearchStrategy[Position]:
    return st.builds(
        lambda quantity, price, pnl: Position(
            symbol=symbol,
            quantity=quantity,
            average_price=price if quantity else None,
            realised_pnl=Money(pnl, "USD"),
            as_of_ns=NOW_NS,
        ),
        numbers,
        prices,
        numbers,
    )


def references(symbol: str) -> st.SearchStrategy[Reference]:
    odd = st.sampled_from([Decimal("NaN"), Decimal("Infinity"), Decimal(0), Decimal(-1)])
    return st.builds(Reference, symbol=st.just(symbol), price=prices | odd, as_of_ns=st.just(NOW_NS))


orders = st.builds(
    OpenOrder,
    client_order_id=st.from_regex(r"[a-z0-9-]{1,36}", fullmatch=True),
    symbol=st.sampled_from(SYMBOLS),
    side=st.sampled_from(Side),
    quantity=prices,
    worst_price=prices,
)
portfolios = st.builds(
    Portfolio,
    currency=st.just("USD"),
    cash=numbers,
    equity=numbers,
    day_start_equity=numbers,
    peak_equity=numbers,
    positions=st.tuples(*map(positions, SYMBOLS)),
    open_orders=st.lists(orders, max_size=4, unique_by=lambda one: one.client_order_id).map(
        lambda many: tuple(sorted(many, key=lambda one: one.client_order_id))
    ),
    references=st.tuples(*map(references, SYMBOLS)),
    as_of_ns=st.just(NOW_NS),
)


@given(portfolios)
def test_it_comes_back_with_its_digest(portfolio: Portfolio) -> None:
    content = portfolio_to_wire(portfolio).SerializeToString()
    again = portfolio_from_wire(pb.Portfolio.FromString(content))
    assert again.digest == portfolio.digest
    assert (again.positions, again.open_orders) == (portfolio.positions, portfolio.open_orders)
    assert [one.usable for one in again.references] == [one.usable for one in portfolio.references]


def example() -> pb.Portfolio:
    return pb.Portfolio(
        currency="USD",
        cash="10",
        equity="10",
        day_start_equity="10",
        peak_equity="10",
        references=[pb.Reference(symbol="BTC/USD", price="64000", as_of_unix_ns=NOW_NS)],
        as_of_unix_ns=NOW_NS,
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [("cash", "1e3"), ("equity", ""), ("peak_equity", "10.0"), ("currency", "usd"), ("as_of_unix_ns", 5)],
)
def test_what_makes_no_sense_is_refused_by_its_name(field: str, value: str | int) -> None:
    message = example()
    portfolio_from_wire(message)
    setattr(message, field, value)
    with pytest.raises(FieldError, match="as_of_ns" if field == "as_of_unix_ns" else field):
        portfolio_from_wire(message)


def test_a_price_in_another_currency_is_refused() -> None:
    message = example()
    message.references[0].symbol = "BTC/EUR"
    with pytest.raises(FieldError, match="quoted in USD"):
        portfolio_from_wire(message)


def test_a_reference_that_comes_twice_is_refused() -> None:
    message = example()
    message.references.append(message.references[0])
    with pytest.raises(FieldError, match="references"):
        portfolio_from_wire(message)
