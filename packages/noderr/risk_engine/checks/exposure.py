"""What would be held if this order and all that is open were filled. An order that only reduces is spared this."""

from __future__ import annotations

from decimal import Decimal

from noderr.risk_engine.case import MS, Case
from noderr.risk_engine.reason_code import ReasonCode
from noderr.types.trading import Side


def check_exposure(case: Case) -> None:
    if case.reduces or not _can_be_valued(case):
        return
    reference, instrument = case.reference, case.instrument
    if reference is None or instrument is None:
        return  # Denied already, by its own reason.
    limits, book, currency, equity = case.limits, case.book, case.limits.currency, case.snapshot.equity
    most, least, most_value, least_value = case.holding.most, case.holding.least, book.most, book.least
    before = max(abs(most), abs(least))
    if case.order.side is Side.BUY:
        most += case.order.quantity
        most_value += case.order.quantity * reference
    else:
        least -= case.order.quantity
        least_value -= case.order.quantity * reference
    after = max(abs(most), abs(least))
    value = after * reference
    if value > (limit := instrument.fraction * equity):
        case.deny(ReasonCode.SYMBOL_EXPOSURE, value, limit, currency)
    if (group := _group(case, instrument.group, value)) > (limit := limits.group_fraction * equity):
        case.deny(ReasonCode.GROUP_EXPOSURE, group, limit, currency)
    if (gross := book.gross + (after - before) * reference) > (limit := limits.gross_fraction * equity):
        case.deny(ReasonCode.GROSS_EXPOSURE, gross, limit, currency)
    if (net := max(abs(most_value), abs(least_value))) > (limit := limits.net_fraction * equity):
        case.deny(ReasonCode.NET_EXPOSURE, net, limit, currency)


def _can_be_valued(case: Case) -> bool:
    """Every position counts, so every position needs a price of now, and losses must have left something."""
    book = case.book
    fine = True
    if case.snapshot.equity <= 0:
        case.deny(ReasonCode.EQUITY_NOT_POSITIVE, case.snapshot.equity, 0, case.snapshot.currency)
        fine = False
    if book.unpriced:
        case.deny(ReasonCode.POSITION_UNPRICED, ", ".join(book.unpriced[:3]), None, case.snapshot.currency)
        fine = False
    most_ns = case.limits.reference_age_ms * MS
    if book.oldest_ns is not None and case.now_ns - book.oldest_ns > most_ns:
        case.deny(ReasonCode.POSITION_UNPRICED, case.now_ns - book.oldest_ns, most_ns, "ns")
        fine = False
    return fine


def _group(case: Case, name: str, own: Decimal) -> Decimal:
    total = own
    for symbol in case.limits.groups[name]:
        if symbol != case.order.symbol and (holding := case.book.holdings.get(symbol)) is not None:
            total += holding.largest * case.snapshot.usable[symbol].price
    return total
