"""An order that was approved before: the same id, the same again at once, again and again, or of one parent too often.

The last two are what stopped nothing at Knight Capital on 2012-08-01 (SEC 34-70694): 212 orders of customers became
millions, each of which looked fine.
"""

from __future__ import annotations

from noderr.risk_engine.case import MS, Case
from noderr.risk_engine.flow import fields_of
from noderr.risk_engine.reason_code import ReasonCode


def check_repetition(case: Case) -> None:
    order, limits, flow = case.order, case.limits, case.flow
    if flow.has_id(order.client_order_id) or order.client_order_id in case.snapshot.open_ids:
        case.deny(ReasonCode.DUPLICATE_ID, order.client_order_id, None, "")
    same = flow.same(fields_of(order))
    if same is not None:
        age_ns = case.now_ns - same[-1]
        if age_ns < limits.duplicate_window_ms * MS:
            case.deny(ReasonCode.DUPLICATE_ORDER, age_ns, limits.duplicate_window_ms * MS, "ns")
    if (times := 0 if same is None else len(same)) >= limits.repeats:
        case.deny(ReasonCode.REPEATED_ORDER, times, limits.repeats, "orders")
    if case.parent is not None and (children := flow.children(case.parent)) >= limits.children:
        case.deny(ReasonCode.TOO_MANY_CHILDREN, children, limits.children, "orders")
