"""The portfolio of one account, as guardians judge it: what it holds, what is open, what everything is worth now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from noderr.exchanges.account import Account
from noderr.exchanges.updates import VenueOrder
from noderr.types.trading.decimals import add
from noderr.types.trading.portfolio import OpenOrder, Portfolio, Reference

_DAY_NS = 86_400_000_000_000


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


def equity_of(account: Account, currency: str, references: Iterable[Reference]) -> Decimal:
    """All that the account has, in `currency`. Raises `AccountError` where something held has no usable price."""
    marks = {one.symbol: one.price for one in references if one.usable}
    return account.equity(currency, marks).amount


def portfolio_of(
    account: Account,
    open_orders: Iterable[VenueOrder],
    references: Mapping[str, Reference],
    *,
    currency: str,
    marks: EquityMarks,
    now_ns: int,
) -> Portfolio:
    """`references` are prices by symbol, all quoted in `currency`. Raises `AccountError`; `FieldError` for other money.

    A market order that is open counts at its symbol's price, and needs one.
    """
    return Portfolio(
        currency=currency,
        cash=account.free(currency),
        equity=equity_of(account, currency, references.values()),
        day_start_equity=marks.day_start,
        peak_equity=marks.peak,
        positions=account.positions(now_ns),
        open_orders=tuple(
            sorted((_open_order(one, references) for one in open_orders), key=lambda one: one.client_order_id)
        ),
        references=tuple(references[symbol] for symbol in sorted(references)),
        as_of_ns=now_ns,
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
