"""What the order is judged by: a portfolio of now, and a price of now. Anything else means no."""

from __future__ import annotations

from noderr.risk_engine.case import MS, Case
from noderr.risk_engine.reason_code import ReasonCode


def check_freshness(case: Case) -> None:
    limits, now_ns = case.limits, case.now_ns
    skew_ns, oldest_ns = limits.clock_skew_ms * MS, limits.reference_age_ms * MS
    age_ns = now_ns - case.snapshot.as_of_ns
    if age_ns > limits.snapshot_age_ms * MS:
        case.deny(ReasonCode.SNAPSHOT_STALE, age_ns, limits.snapshot_age_ms * MS, "ns")
    elif -age_ns > skew_ns:
        case.deny(ReasonCode.SNAPSHOT_FROM_FUTURE, -age_ns, skew_ns, "ns")
    reference = case.snapshot.by_symbol.get(case.order.symbol)
    if reference is None:
        case.deny(ReasonCode.REFERENCE_MISSING, None, None, case.snapshot.currency)
        return
    if case.reference is None:
        case.deny(ReasonCode.REFERENCE_NOT_A_PRICE, str(reference.price), None, case.snapshot.currency)
    age_ns = now_ns - reference.as_of_ns
    if age_ns > oldest_ns:
        case.deny(ReasonCode.REFERENCE_STALE, age_ns, oldest_ns, "ns")
    elif -age_ns > skew_ns:
        case.deny(ReasonCode.REFERENCE_FROM_FUTURE, -age_ns, skew_ns, "ns")
