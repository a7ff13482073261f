"""Whether the account can settle it: cash for what is bought, the thing itself for what is sold."""

from __future__ import annotations

from noderr.risk_engine.case import Case
from noderr.risk_engine.reason_code import ReasonCode
from noderr.types.trading import Side


def check_funds(case: Case) -> None:
    limits, book = case.limits, case.book
    if case.order.side is Side.BUY:
        if case.notional is not None:
            free = case.snapshot.cash - book.reserved
            if case.notional > free:
                case.deny(ReasonCode.NOT_ENOUGH_CASH, case.notional, free, limits.currency)
    elif not case.reduces and not limits.allow_short:
        case.deny(ReasonCode.SHORT_SALE, case.order.quantity, case.holding.least, case.order.symbol.partition("/")[0])
    if book.open_count >= limits.open_orders:
        case.deny(ReasonCode.TOO_MANY_OPEN_ORDERS, book.open_count, limits.open_orders, "orders")
