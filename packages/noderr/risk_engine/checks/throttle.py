"""How many orders, and how much, in how short a time."""

from __future__ import annotations

from noderr.risk_engine.case import Case
from noderr.risk_engine.reason_code import ReasonCode

_SECOND_NS = 1_000_000_000
_MINUTE_NS = 60 * _SECOND_NS


def check_throttle(case: Case) -> None:
    flow, limits, now_ns = case.flow, case.limits, case.now_ns
    if flow.reached(limits.orders_per_second, now_ns - _SECOND_NS):
        count = flow.count(now_ns - _SECOND_NS)
        case.deny(ReasonCode.ORDERS_PER_SECOND, count, limits.orders_per_second, "orders")
    if flow.reached(limits.orders_per_minute, now_ns - _MINUTE_NS):
        count = flow.count(now_ns - _MINUTE_NS)
        case.deny(ReasonCode.ORDERS_PER_MINUTE, count, limits.orders_per_minute, "orders")
    # What only reduces must get out, however much was traded.
    if case.reduces or case.notional is None:
        return
    turnover = flow.turnover + case.notional
    if turnover > (most := case.share(limits.turnover_fraction)):
        case.deny(ReasonCode.TURNOVER, turnover, most, limits.currency)
