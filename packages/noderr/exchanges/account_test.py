"""The account: hand-worked sums, money conserved to the last digit, and what no account can have."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.exchanges.account import Account
from noderr.exchanges.cost_basis import AverageCost, CostMethod, FifoCost, basis_of
from noderr.exchanges.errors import AccountError
from noderr.types.trading import FieldError, Fill, Liquidity, Money, Side

NOW_NS = 1_790_000_000_000_000_000
SYMBOL = "XMR/USD"


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def fill(number: int, side: Side, quantity: str, price: str, fee: Money | None = None, **more: object) -> Fill:
    fields: dict[str, object] = {
        "fill_id": f"f-{number}",
        "client_order_id": f"o-{number}",
        "venue": "kraken",
        "symbol": SYMBOL,
        "side": side,
        "price": Decimal(price),
        "quantity": Decimal(quantity),
        "fee": fee or usd("0"),
        "liquidity": Liquidity.TAKER,
        "at_ns": NOW_NS,
        **more,
    }
    return Fill(**fields)  # type: ignore[arg-type]


def funded(cash: str = "1000", **more: str) -> Account:
    return Account({"USD": Decimal(cash), **{currency: Decimal(amount) for currency, amount in more.items()}})


def test_bought_marked_and_half_sold() -> None:
    account = funded()
    assert account.apply(fill(1, Side.BUY, "2", "100"))
    assert account.equity("USD", {SYMBOL: Decimal(100)}) == usd("1000")
    assert account.unrealised_pnl(SYMBOL, Decimal(120)) == usd("40")
    assert account.equity("USD", {SYMBOL: Decimal(120)}) == usd("1040")
    assert account.apply(fill(2, Side.SELL, "1", "120"))
    position = account.position(SYMBOL, NOW_NS)
    assert (position.quantity, position.average_price) == (Decimal(1), Decimal(100))
    assert position.realised_pnl == usd("20")
    assert position.realised_pnl + account.unrealised_pnl(SYMBOL, Decimal(120)) == usd("40")
    assert account.balances()["USD"].free == 920


def test_what_is_not_there_is_not_sold() -> None:
    account = funded()
    with pytest.raises(AccountError, match="takes 50 XMR and there are 0"):
        account.apply(fill(1, Side.SELL, "50", "120"))
    assert account.balances()["USD"].total == 1000
    account.apply(fill(2, Side.BUY, "1", "100"))
    with pytest.raises(AccountError, match="takes 1.5 XMR and there are 1"):
        account.apply(fill(3, Side.SELL, "1.5", "120"))


def test_what_is_not_there_is_not_spent() -> None:
    with pytest.raises(AccountError, match="takes 1000.1 USD and there are 1000"):
        funded().apply(fill(1, Side.BUY, "10", "100", fee=usd("0.1")))
    with pytest.raises(AccountError, match="takes 100 EUR and there are 0"):
        funded().apply(fill(1, Side.BUY, "1", "100", symbol="XMR/EUR", fee=Money(Decimal(0), "EUR")))


def test_a_fill_counts_once() -> None:
    account = funded()
    assert account.apply(fill(1, Side.BUY, "2", "100"))
    assert not account.apply(fill(1, Side.BUY, "2", "100"))
    assert account.balances()["USD"].free == 800
    with pytest.raises(AccountError, match="came again as another"):
        account.apply(fill(1, Side.BUY, "3", "100"))
    assert account.apply(fill(1, Side.BUY, "2", "100", venue="binance"))


def test_a_fee_in_another_currency_is_refused() -> None:
    with pytest.raises(AccountError, match="fees are in USD"):
        funded().apply(fill(1, Side.BUY, "1", "100", fee=Money(Decimal("0.1"), "XMR")))


def test_an_account_owes_nothing_and_knows_its_currencies() -> None:
    with pytest.raises(AccountError, match="owe nothing"):
        funded("-1")
    with pytest.raises(FieldError, match="currency"):
        Account({"usd": Decimal(1)})


def test_an_average_price_is_rounded_and_its_cost_is_not() -> None:
    account = funded()
    for number, price in enumerate(("1", "1", "2")):
        account.apply(fill(number, Side.BUY, "1", price))
    assert account.position(SYMBOL, NOW_NS).average_price == Decimal("1.333333333333333333")
    for number in (3, 4, 5):
        account.apply(fill(number, Side.SELL, "1", "2"))
    assert account.position(SYMBOL, NOW_NS).realised_pnl == usd("2")


def test_first_in_first_out() -> None:
    account = Account({"USD": Decimal(1000)}, method=CostMethod.FIFO)
    account.apply(fill(1, Side.BUY, "2", "100"))
    account.apply(fill(2, Side.BUY, "2", "110"))
    account.apply(fill(3, Side.SELL, "3", "120"))
    position = account.position(SYMBOL, NOW_NS)
    assert position.realised_pnl == Money(Decimal(2 * 20 + 10), "USD")
    assert position.average_price == 110


def test_what_was_there_from_the_beginning_can_be_sold_and_is_no_position() -> None:
    account = funded("0", XMR="5")
    account.apply(fill(1, Side.SELL, "2", "100"))
    position = account.position(SYMBOL, NOW_NS)
    assert (position.quantity, position.average_price) == (Decimal(-2), Decimal(100))
    assert account.unrealised_pnl(SYMBOL, Decimal(90)) == usd("20")
    assert account.equity("USD", {SYMBOL: Decimal(90)}) == Money(Decimal(200 + 3 * 90), "USD")
    with pytest.raises(AccountError, match="give a mark of XMR/USD"):
        account.equity("USD", {})


def test_what_orders_bind_no_other_order_gets() -> None:
    account = funded()
    account.reserve("o-1", usd("700"))
    with pytest.raises(AccountError, match="needs 400 USD: 300 are free"):
        account.reserve("o-2", usd("400"))
    with pytest.raises(AccountError, match="of which other orders bind 700"):
        account.apply(fill(2, Side.BUY, "4", "100"))
    account.apply(fill(1, Side.BUY, "4", "100"))
    balance = account.balances()["USD"]
    assert (balance.free, balance.reserved) == (Decimal(300), Decimal(300))
    account.reserve("o-1", usd("100"))
    assert account.free("USD") == 500
    account.release("o-1")
    account.release("o-1")
    assert account.free("USD") == 600
    with pytest.raises(AccountError, match="not less than nothing"):
        account.reserve("o-1", Money(Decimal(-1), "USD"))


numbers = st.decimals(min_value="0.00000001", max_value=100_000, places=8)
trades = st.lists(
    st.tuples(st.sampled_from(Side), numbers, numbers, st.decimals(min_value=-1, max_value=1, places=8)), max_size=30
)


@settings(max_examples=150, deadline=None)
@given(trades, numbers, st.sampled_from(CostMethod))
def test_money_is_conserved_to_the_last_digit(
    trades: list[tuple[Side, Decimal, Decimal, Decimal]], mark: Decimal, method: CostMethod
) -> None:
    opening = {"USD": Decimal(10) ** 13, "XMR": Decimal(10) ** 7}
    account = Account(opening, method=method)
    flow, held, fees = Fraction(0), Fraction(0), Fraction(0)
    for number, (side, quantity, price, fee) in enumerate(trades):
        account.apply(fill(number, side, str(quantity), str(price), Money(fee, "USD")))
        flow -= side.sign * Fraction(quantity) * Fraction(price) + Fraction(fee)
        held += side.sign * Fraction(quantity)
        fees += Fraction(fee)
    position = account.position(SYMBOL, NOW_NS)
    profit = position.realised_pnl + account.unrealised_pnl(SYMBOL, mark)
    assert Fraction(profit.amount) == flow + held * Fraction(mark)
    assert Fraction(position.quantity) == held
    assert Fraction(account.fees(SYMBOL).amount) == fees
    equity = Fraction(opening["USD"]) + flow + (Fraction(opening["XMR"]) + held) * Fraction(mark)
    assert Fraction(account.equity("USD", {SYMBOL: mark}).amount) == equity


whole = st.lists(st.tuples(st.integers(-6, 6).filter(bool), st.integers(1, 50)), max_size=25)


@settings(max_examples=150, deadline=None)
@given(whole)
def test_first_in_first_out_as_unit_by_unit(trades: list[tuple[int, int]]) -> None:
    basis, units, earned = FifoCost(), list[tuple[int, int]](), 0
    for quantity, price in trades:
        sign, gained = (1 if quantity > 0 else -1), 0
        for _ in range(abs(quantity)):
            if units and units[0][0] == -sign:
                gained += sign * (units.pop(0)[1] - price)
            else:
                units.append((sign, price))
        assert basis.trade(Decimal(quantity), Decimal(price)) == gained
        earned += gained
        assert basis.quantity == sum(each for each, _ in units)
        assert basis.cost == sum(each * paid for each, paid in units)


@settings(max_examples=150, deadline=None)
@given(whole)
def test_average_cost_as_fractions(trades: list[tuple[int, int]]) -> None:
    basis = AverageCost()
    held, average = 0, Fraction(0)
    for quantity, price in trades:
        earned = basis.trade(Decimal(quantity), Decimal(price))
        closed = min(abs(quantity), abs(held)) if held * quantity < 0 else 0
        gained = closed * (price - average) * (1 if held > 0 else -1)
        if held * quantity >= 0:
            average = (average * abs(held) + price * abs(quantity)) / (abs(held) + abs(quantity))
        elif abs(quantity) > abs(held):
            average = Fraction(price)
        held += quantity
        # Each rounding is half a unit of the 18th digit at most.
        assert abs(Fraction(earned) - gained) < Fraction(1, 10**16)
        assert basis.quantity == held
        assert abs(Fraction(basis.cost) - held * average) < Fraction(1, 10**16)


@pytest.mark.parametrize("method", CostMethod)
def test_when_all_is_sold_nothing_is_left_of_the_cost(method: CostMethod) -> None:
    basis = basis_of(method)
    for _ in range(3):
        basis.trade(Decimal(1), Decimal("0.1"))
    basis.trade(Decimal(-1), Decimal(1))
    basis.trade(Decimal(-2), Decimal(1))
    assert (basis.quantity, basis.cost) == (Decimal(0), Decimal(0))
