"""The best way to spread an order over time, in closed form: Almgren and Chriss, "Optimal execution of portfolio
transactions", J. Risk 3 (2000).

It minimises E + λV: the expected cost, and λ times its variance. Floats, since the inputs are estimates; what is sent
is rounded to lots elsewhere. Units must agree: with time in days, σ is price per √day, η price per (unit per day), γ
price per unit, ε price, λ one over money.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from noderr.execution.errors import ScheduleError


@dataclass(frozen=True, slots=True)
class Trajectory:
    """`times` and `holdings` have N + 1 entries, from (0, X) to (T, 0); `trades` N, each between two of them."""

    times: tuple[float, ...]
    holdings: tuple[float, ...]
    trades: tuple[float, ...]
    kappa: float
    """How urgent: 1/κ is the time in which holdings fall by e. 0 is a straight line."""
    expected_cost: float
    """In money, against the price at the beginning."""
    variance: float
    """Of that cost, in money squared."""


def almgren_chriss(
    quantity: float,
    duration: float,
    intervals: int,
    *,
    sigma: float,
    eta: float,
    gamma: float,
    risk_aversion: float,
    epsilon: float = 0.0,
) -> Trajectory:
    """The trajectory of least E + λV. `eta` is the temporary impact, `gamma` the permanent, `epsilon` half the spread.

    Raises `ScheduleError` for what has no trajectory.
    """
    for name, value, least in (
        ("quantity", quantity, None),
        ("duration", duration, None),
        ("eta", eta, None),
        ("sigma", sigma, 0.0),
        ("gamma", gamma, 0.0),
        ("risk_aversion", risk_aversion, 0.0),
        ("epsilon", epsilon, 0.0),
    ):
        if not math.isfinite(value) or (value <= 0 if least is None else value < least):
            raise ScheduleError(f"{name} is {value!r}: it must be {'positive' if least is None else 'at least 0'}")
    if intervals < 1:
        raise ScheduleError(f"intervals is {intervals}: there must be at least one")
    tau = duration / intervals
    eta_tilde = eta - gamma * tau / 2
    if eta_tilde <= 0:
        raise ScheduleError(
            f"eta is {eta!r} and gamma·τ/2 is {gamma * tau / 2!r}: splitting would cost nothing; take more intervals"
        )
    # acosh(1 + z²/2) = 2 asinh(z/2), which is exact where z is small.
    kappa = 2 * math.asinh(math.sqrt(risk_aversion / eta_tilde) * sigma * tau / 2) / tau
    if not math.isfinite(kappa):
        raise ScheduleError(f"risk_aversion {risk_aversion!r} with sigma {sigma!r} is too much to be counted")
    times = (*(tau * number for number in range(intervals)), duration)
    holdings = tuple(quantity * _share_left(kappa, time, duration) for time in times)
    trades = tuple(before - after for before, after in pairwise(holdings))
    return Trajectory(
        times=times,
        holdings=holdings,
        trades=trades,
        kappa=kappa,
        expected_cost=gamma * quantity**2 / 2
        + epsilon * quantity
        + eta_tilde / tau * math.fsum(trade**2 for trade in trades),
        variance=sigma**2 * tau * math.fsum(held**2 for held in holdings[1:]),
    )


def _share_left(kappa: float, time: float, duration: float) -> float:
    """sinh(κ(T-t)) / sinh(κT), written so that neither a large κT overflows nor a small one loses digits."""
    below = math.expm1(-2 * kappa * duration)
    if below == 0:
        return 1 - time / duration
    return math.exp(-kappa * time) * math.expm1(-2 * kappa * (duration - time)) / below
