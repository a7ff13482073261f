"""The order by itself: can this be an order of today for something that is traded?"""

from __future__ import annotations

from noderr.risk_engine.case import MS, Case
from noderr.risk_engine.reason_code import ReasonCode


def check_order_shape(case: Case) -> None:
    order, limits = case.order, case.limits
    _check_times(case)
    if order.limit_price is None and not limits.allow_market:
        case.deny(ReasonCode.MARKET_ORDER, order.type.value, "limit", "")
    if case.instrument is None:
        case.deny(ReasonCode.UNKNOWN_INSTRUMENT, order.symbol, None, "")
        return
    if case.snapshot.currency != limits.currency:
        case.deny(ReasonCode.WRONG_CURRENCY, case.snapshot.currency, limits.currency, "")
    instrument = case.instrument.instrument
    if order.limit_price is not None and order.limit_price % instrument.tick_size:
        case.deny(ReasonCode.OFF_TICK, order.limit_price, instrument.tick_size, instrument.quote)
    if order.quantity % instrument.lot_size:
        case.deny(ReasonCode.OFF_LOT, order.quantity, instrument.lot_size, instrument.base)
    if order.quantity < instrument.min_quantity:
        case.deny(ReasonCode.QUANTITY_TOO_SMALL, order.quantity, instrument.min_quantity, instrument.base)
    if case.notional is not None and case.notional < instrument.min_notional:
        case.deny(ReasonCode.NOTIONAL_TOO_SMALL, case.notional, instrument.min_notional, instrument.quote)


def _check_times(case: Case) -> None:
    order, limits = case.order, case.limits
    age_ns = case.now_ns - order.created_at_ns
    if age_ns > limits.order_age_ms * MS:
        case.deny(ReasonCode.ORDER_STALE, age_ns, limits.order_age_ms * MS, "ns")
    elif -age_ns > limits.clock_skew_ms * MS:
        case.deny(ReasonCode.ORDER_FROM_FUTURE, -age_ns, limits.clock_skew_ms * MS, "ns")
    if order.expires_at_ns is not None and order.expires_at_ns <= case.now_ns:
        case.deny(ReasonCode.ORDER_EXPIRED, case.now_ns, order.expires_at_ns, "ns")
