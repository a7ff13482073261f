from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from noderr.execution.costs.benchmarks import RecordedMarket
from noderr.execution.costs.figure import Insufficient
from noderr.execution.costs.shortfall import Shortfall
from noderr.execution.costs.testing import fill, moment, order, printed, quote
from noderr.execution.costs.transaction_cost import TcaReport, analyse
from noderr.execution.errors import CostError
from noderr.market_data.records import Known, Lost, Record
from noderr.types.trading import Fill, Money, Order, Side

RISE: list[Record] = [
    Known(moment(0)),
    quote(0, "99.99", "100.01"),
    printed(2, "100.10", "30"),
    quote(3, "100.19", "100.21"),
    printed(4, "100.30", "10"),
    quote(5, "100.39", "100.41"),
    quote(40, "100.09", "100.11"),
]


def report(
    of: Order, fills: list[Fill], records: list[Record] | None = None, until: float = 60, **changes: Any
) -> TcaReport:
    usual: dict[str, Any] = {
        "decision_price": Decimal("99.90"),
        "arrived_ns": moment(1),
        "ended_ns": moment(6),
        "reversion_ns": moment(40) - moment(0),
    }
    return analyse(of, fills, RecordedMarket(RISE if records is None else records, moment(until)), **usual | changes)


def test_a_purchase_in_a_rising_market() -> None:
    bought = order("10")
    found = report(
        bought, [fill(bought, "100.10", "3", "0.3", seconds=2), fill(bought, "100.30", "5", "0.5", number=2, seconds=4)]
    )
    assert (found.filled, found.fill_rate_bps) == (Decimal(8), Decimal(8000))
    assert found.average_price == Decimal("100.225")
    assert (found.arrival_price, found.end_price) == (Decimal(100), Decimal("100.4"))
    assert found.interval_vwap == Decimal("100.15")
    assert found.slippage_bps == Decimal("22.5")
    assert found.vwap_deviation_bps == Decimal("7.4888")  # 0.075 of 100.15
    assert found.reversion_bps == Decimal("12.5")  # From 100.225 back to 100.10
    assert found.fees == Money(Decimal("0.8"), "USD")
    assert isinstance(found.shortfall, Shortfall)
    assert found.shortfall.delay == Money(Decimal("0.8"), "USD")
    assert found.shortfall.trading == Money(Decimal("1.8"), "USD")
    assert found.shortfall.opportunity == Money(Decimal(1), "USD")
    assert found.shortfall.total == Money(Decimal("4.4"), "USD")
    assert found.opportunity_bps == Decimal("10.01")
    assert found.total_bps == Decimal("44.044")


def test_a_sale_in_the_same_market_gains_what_the_purchase_loses() -> None:
    prices = (("100.10", "3", 2), ("100.30", "5", 4))
    found = {
        side: report(one, [fill(one, price, size, number=second, seconds=second) for price, size, second in prices])
        for side in Side
        for one in (order("10", side),)
    }
    for name in ("slippage_bps", "vwap_deviation_bps", "reversion_bps", "opportunity_bps", "total_bps"):
        cost, gain = getattr(found[Side.BUY], name), getattr(found[Side.SELL], name)
        assert cost == -gain
        assert cost > 0


def test_nothing_filled_has_no_average_and_no_slippage_but_an_opportunity() -> None:
    found = report(order("10"), [])
    nothing = Insufficient("nothing was filled")
    assert [found.average_price, found.slippage_bps, found.vwap_deviation_bps, found.reversion_bps] == [nothing] * 4
    assert found.fill_rate_bps == 0
    assert isinstance(found.shortfall, Shortfall)
    assert found.shortfall.total == Money(Decimal(5), "USD")


def test_without_a_record_every_figure_of_the_market_says_so() -> None:
    bought = order("10")
    found = report(bought, [fill(bought, "100.10", "3")], [])
    figures = (found.arrival_price, found.end_price, found.interval_vwap, found.slippage_bps, found.reversion_bps)
    for figure in (*figures, found.vwap_deviation_bps, found.opportunity_bps, found.total_bps):
        assert isinstance(figure, Insufficient)
        assert "gap" in figure.reason
    assert found.average_price == Decimal("100.10")


@pytest.mark.parametrize(
    ("lost_at", "missing"),
    [
        (1.5, {"end_price", "interval_vwap", "vwap_deviation_bps", "reversion_bps"}),
        (7, {"reversion_bps"}),
    ],
)
def test_a_gap_takes_what_it_covers_and_nothing_else(lost_at: float, missing: set[str]) -> None:
    bought = order("3")
    records = [record for record in RISE if record.received_ns < moment(lost_at)]
    lost = Lost(moment(lost_at), "the connection was dropped", moment(lost_at))
    found = report(bought, [fill(bought, "100.10", "3", seconds=2)], [*records, lost])
    names = ("arrival_price", "end_price", "interval_vwap", "slippage_bps", "vwap_deviation_bps", "reversion_bps")
    assert {name for name in names if isinstance(getattr(found, name), Insufficient)} == missing
    assert found.total_bps == Decimal("20.02")  # All was filled: no price of the end is needed.


def test_before_the_time_of_the_reversion_it_is_not_known() -> None:
    bought = order("3")
    found = report(bought, [fill(bought, "100.10", "3", seconds=2)], until=41)
    assert isinstance(found.reversion_bps, Insufficient)
    assert found.slippage_bps == 10


def test_without_a_decision_s_price_there_is_no_shortfall() -> None:
    unknown = Insufficient("the signal has no price")
    bought = order("3")
    found = report(bought, [fill(bought, "100.10", "3", "0.1", seconds=2)], decision_price=unknown)
    assert found.shortfall == found.total_bps == found.opportunity_bps == unknown
    assert found.fees == Money(Decimal("0.1"), "USD")
    assert found.slippage_bps == 10


def test_times_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(CostError):
        report(order("3"), [], ended_ns=moment(0.5))
    with pytest.raises(CostError):
        report(order("3"), [], reversion_ns=0)
