"""The portfolio of an operator's accounts, as guardians judge it: what they hold, what it is worth now, and the marks
that losses are measured from. All of it is of one moment, so nothing is awaited on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from itertools import groupby

from noderr.exchanges.account import Account
from noderr.exchanges.updates import VenueOrder
from noderr.types.trading import Position
from noderr.types.trading.decimals import add, multiply
from noderr.types.trading.portfolio import OpenOrder, Portfolio, Reference

_DAY_NS = 86_400_000_000_000
_PRICES = Context(prec=28)


@dataclass(frozen=True, slots=True)
class EquityMarks:
    """What losses are measured from: the equity when the UTC day began (or was first seen), and the highest ever."""

    day: int
    day_start: Decimal
    peak: Decimal

    @classmethod
    def first(cls, equity: Decimal, now_ns: int) -> EquityMarks:
        return cls(now_ns // _DAY_NS, equity, equity)

    def step(self, equity: Decimal, now_ns: int) -> EquityMarks:
        """The marks after the equity was seen; a clock that was set back begins no other day."""
        day = now_ns // _DAY_NS
        if day > self.day:
            return EquityMarks(day, equity, max(self.peak, equity))
        return EquityMarks(self.day, self.day_start, max(self.peak, equity))


def portfolio_of(
    accounts: Sequence[Account],
    open_orders: Iterable[VenueOrder],
    references: Mapping[str, Reference],
    *,
    currency: str,
    marks: EquityMarks | None,
    now_ns: int,
) -> tuple[Portfolio, EquityMarks]:
    """As of now, and the marks for the next time; `marks` are those of the last time, None where there was none.

    `references` are prices by symbol, all quoted in `currency`. A market order that is open counts at its symbol's
    price, and needs one. Raises `AccountError` where something held has no usable price; `FieldError` for other money.
    """
    cash = Decimal(0)
    for account in accounts:
        cash = add(cash, account.free(currency))
    equity = _equity_of(accounts, currency, references.values())
    marks = EquityMarks.first(equity, now_ns) if marks is None else marks.step(equity, now_ns)
    held = sorted((one for account in accounts for one in account.positions(now_ns)), key=lambda one: one.symbol)
    portfolio = Portfolio(
        currency=currency,
        cash=cash,
        equity=equity,
        day_start_equity=marks.day_start,
        peak_equity=marks.peak,
        positions=tuple(_merged(tuple(same)) for _, same in groupby(held, key=lambda one: one.symbol)),
        open_orders=tuple(
            sorted((_open_order(one, references) for one in open_orders), key=lambda one: one.client_order_id)
        ),
        references=tuple(references[symbol] for symbol in sorted(references)),
        as_of_ns=now_ns,
    )
    return portfolio, marks


def _equity_of(accounts: Iterable[Account], currency: str, references: Iterable[Reference]) -> Decimal:
    prices = {one.symbol: one.price for one in references if one.usable}
    total = Decimal(0)
    for account in accounts:
        total = add(total, account.equity(currency, prices).amount)
    return total


def _merged(positions: Sequence[Position]) -> Position:
    """One symbol's positions at several venues; the average price is rounded to as many digits as a price needs."""
    first, *more = positions
    if not more:
        return first
    quantity, cost, earned = Decimal(0), Decimal(0), first.realised_pnl
    for one in positions:
        quantity = add(quantity, one.quantity)
        if one.average_price is not None:
            cost = add(cost, multiply(one.quantity, one.average_price))
    for one in more:
        earned += one.realised_pnl
    average = _PRICES.divide(cost, quantity) if quantity else None
    return Position(
        symbol=first.symbol,
        quantity=quantity,
        # What is long here and short there may have cost nothing, or less: there is no average of that.
        average_price=average if average is None or average > 0 else first.average_price,
        realised_pnl=earned,
        as_of_ns=first.as_of_ns,
    )


def _open_order(told: VenueOrder, references: Mapping[str, Reference]) -> OpenOrder:
    order = told.order
    reference = references.get(order.symbol)
    worst = order.limit_price if order.limit_price is not None else (None if reference is None else reference.price)
    return OpenOrder(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        quantity=add(order.quantity, -told.filled),
        worst_price=worst,  # type: ignore[arg-type]  # None is refused by name.
    )
