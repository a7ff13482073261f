"""The trajectory of Almgren and Chriss as a schedule: the more risk-averse, the sooner."""

from __future__ import annotations

from fractions import Fraction

from noderr.execution.schedules.almgren_chriss import almgren_chriss
from noderr.execution.schedules.parent import Parent
from noderr.execution.schedules.plan import PlannedSchedule, plan
from noderr.execution.schedules.twap import equal_times

_DAY_NS = 86_400_000_000_000


def implementation_shortfall(
    parent: Parent,
    start_ns: int,
    end_ns: int,
    slices: int,
    *,
    sigma: float,
    eta: float,
    gamma: float,
    risk_aversion: float,
) -> PlannedSchedule:
    """Equal intervals. With prices in quote: σ per √day, η per (base per day), γ per base, λ per quote; a day is 24 h.

    Raises `ScheduleError`.
    """
    times = equal_times(start_ns, end_ns, slices)
    quantity = float(parent.order.quantity)
    trajectory = almgren_chriss(
        quantity,
        (end_ns - start_ns) / _DAY_NS,
        slices,
        sigma=sigma,
        eta=eta,
        gamma=gamma,
        risk_aversion=risk_aversion,
    )
    # The floats only say in which proportions; from here on all is exact.
    left = [Fraction(holding) / Fraction(quantity) for holding in trajectory.holdings]
    return PlannedSchedule(parent, plan(parent, times, left))
