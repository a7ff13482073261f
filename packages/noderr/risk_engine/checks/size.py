"""Fat fingers: an order too large for anybody to have meant it, or at a price far from where the market is."""

from __future__ import annotations

from noderr.risk_engine.case import Case
from noderr.risk_engine.reason_code import ReasonCode


def check_size(case: Case) -> None:
    order, limits = case.order, case.limits
    if case.instrument is not None and order.quantity > case.instrument.max_quantity:
        base = case.instrument.instrument.base
        case.deny(ReasonCode.QUANTITY_TOO_LARGE, order.quantity, case.instrument.max_quantity, base)
    if case.notional is None:
        return
    if case.notional > limits.order_notional:
        case.deny(ReasonCode.NOTIONAL_TOO_LARGE, case.notional, limits.order_notional, limits.currency)
    # An exit is as large as the position: it may be more than a fraction of what is left.
    if not case.reduces and case.notional > (most := case.share(limits.order_fraction)):
        case.deny(ReasonCode.ORDER_FRACTION, case.notional, most, limits.currency)


def check_price_collar(case: Case) -> None:
    price, reference = case.order.limit_price, case.reference
    if price is None or reference is None:
        return
    band = reference * case.limits.collar_fraction
    if abs(price - reference) > band:
        edge = reference + band if price > reference else reference - band
        case.deny(ReasonCode.PRICE_COLLAR, price, edge, case.limits.currency)
