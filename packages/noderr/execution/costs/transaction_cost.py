"""Transaction cost analysis of one order: what it cost against the prices that there were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from noderr.execution.costs.benchmarks import RecordedMarket
from noderr.execution.costs.executed import Executed, executed
from noderr.execution.costs.figure import Insufficient, basis_points
from noderr.execution.costs.shortfall import Cost, Price, Shortfall, measure_shortfall
from noderr.execution.errors import CostError
from noderr.types.trading import Fill, Order


@dataclass(frozen=True, slots=True, kw_only=True)
class TcaReport:
    """Positive basis points are a cost, for buys and for sells; what the data do not say is `Insufficient`."""

    order: Order
    filled: Decimal
    """In base."""
    fill_rate_bps: Decimal
    """Of the order's quantity."""
    average_price: Price
    arrival_price: Price
    """The mid when the order came in."""
    end_price: Price
    """The mid when it was over."""
    interval_vwap: Price
    """Of the market between these two."""
    slippage_bps: Decimal | Insufficient
    """The average price against the arrival's; no fees."""
    vwap_deviation_bps: Decimal | Insufficient
    """The average price against the market's of that time; no fees."""
    reversion_bps: Decimal | Insufficient
    """What the price came back by after the last fill: the average price less the mid then, of the mid at arrival.

    J - I of Almgren, Thum, Hauptmann and Li, "Direct estimation of equity market impact" (2005).
    """
    fees: Cost
    shortfall: Shortfall | Insufficient
    """Against the price of the decision: delay, trading, opportunity, fees and their total, in money."""

    @property
    def opportunity_bps(self) -> Decimal | Insufficient:
        """Of the order on paper."""
        found = self.shortfall
        return found if isinstance(found, Insufficient) else found.bps(found.opportunity)

    @property
    def total_bps(self) -> Decimal | Insufficient:
        """Of the order on paper: all that was lost between the decision and the end, fees included."""
        found = self.shortfall
        return found if isinstance(found, Insufficient) else found.bps(found.total)


def analyse(
    order: Order,
    fills: Sequence[Fill],
    market: RecordedMarket,
    *,
    decision_price: Price,
    arrived_ns: int,
    ended_ns: int,
    reversion_ns: int,
) -> TcaReport:
    """`arrived_ns` is when the order came in, `ended_ns` when it was filled or given up; `reversion_ns` after the last
    fill the price is looked at again. Raises `CostError`.
    """
    if ended_ns < arrived_ns or reversion_ns <= 0:
        raise CostError(
            f"arrived_ns is {arrived_ns}, ended_ns {ended_ns}, reversion_ns {reversion_ns}: "
            f"the end is not before the arrival, and the reversion needs time"
        )
    done = executed(order, fills)
    arrival, end = market.mid_at(arrived_ns), market.mid_at(ended_ns)
    interval = market.vwap(arrived_ns, ended_ns)
    after = Insufficient("nothing was filled") if done.last_ns is None else market.mid_at(done.last_ns + reversion_ns)
    return TcaReport(
        order=order,
        filled=done.quantity,
        fill_rate_bps=basis_points(done.quantity, order.quantity),
        average_price=done.average_price,
        arrival_price=arrival,
        end_price=end,
        interval_vwap=interval,
        slippage_bps=_worse_than(order, done, arrival, arrival),
        vwap_deviation_bps=_worse_than(order, done, interval, interval),
        reversion_bps=_worse_than(order, done, after, arrival),
        fees=done.fees,
        shortfall=(
            decision_price
            if isinstance(decision_price, Insufficient)
            else measure_shortfall(order, fills, decision_price=decision_price, arrival_price=arrival, end_price=end)
        ),
    )


def _worse_than(order: Order, done: Executed, price: Price, whole: Price) -> Decimal | Insufficient:
    """By how much the average price is worse than `price`, in basis points of `whole`."""
    if not done.quantity:
        return Insufficient("nothing was filled")
    if isinstance(price, Insufficient):
        return price
    if isinstance(whole, Insufficient):
        return whole
    average = Fraction(done.turnover) / Fraction(done.quantity)
    return basis_points(order.side.sign * (average - Fraction(price)), whole)
