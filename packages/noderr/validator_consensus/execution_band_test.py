"""The check of the execution itself: every rule of the order, every price, every fee."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.core.consensus.testing import SECOND_NS
from noderr.types.trading import CurrencyError, Fill, Money, Order, OrderType, Side, TimeInForce
from noderr.validator_consensus.checks import PASSED, CheckResult, CheckStatus
from noderr.validator_consensus.errors import BandError
from noderr.validator_consensus.execution_band import ExecutionBandCheck
from noderr.validator_consensus.execution_testing import FILL, ORDER, SECOND_FILL, Trade
from noderr.validator_consensus.order_rules import broken_rules
from noderr.validator_consensus.price_band import BandLimits, FeeBounds, PriceBand

PRICES = {"BTC/USD": PriceBand(Decimal(63_990), Decimal(64_005))}
CHARGED = FeeBounds(Money(Decimal("12.79"), "USD"), Money(Decimal("12.81"), "USD"))
DATED = copy.replace(ORDER, time_in_force=TimeInForce.GTD, expires_at_ns=ORDER.created_at_ns + 2 * SECOND_NS)
ALL_OR_NOTHING = copy.replace(ORDER, time_in_force=TimeInForce.FOK)
AT_MARKET = copy.replace(ORDER, type=OrderType.MARKET, limit_price=None, time_in_force=TimeInForce.IOC)


class Recorded:
    """Prices and fees as a validator knows them."""

    def __init__(self, bands: dict[str, PriceBand] | None = None, bounds: FeeBounds | None = CHARGED) -> None:
        self._bands = PRICES if bands is None else bands
        self._bounds = bounds
        self.asked: list[tuple[str, str, int, int]] = []

    async def band(self, venue: str, symbol: str, from_ns: int, to_ns: int) -> PriceBand | None:
        self.asked.append((venue, symbol, from_ns, to_ns))
        return self._bands.get(symbol)

    async def fees(self, fill: Fill) -> FeeBounds | None:
        return self._bounds


def changed(**changes: Any) -> tuple[Fill, Fill]:
    """The second fill is not as it should be."""
    return FILL, copy.replace(SECOND_FILL, **changes)


async def says(
    fills: Sequence[Fill] = (FILL, SECOND_FILL), order: Order = ORDER, recorded: Recorded | None = None
) -> CheckResult:
    recorded = recorded or Recorded()
    trade = Trade(execution_changes={"order": order, "fills": tuple(fills)})
    return await ExecutionBandCheck(recorded, recorded).evaluate(trade.report, trade.evidence)


async def test_what_was_ordered_at_prices_that_were_there_passes() -> None:
    recorded = Recorded()
    assert await says(recorded=recorded) == PASSED
    at_ns = FILL.at_ns
    assert recorded.asked[0] == ("kraken", "BTC/USD", at_ns - 2 * SECOND_NS, at_ns + 2 * SECOND_NS)


@pytest.mark.parametrize("order", [AT_MARKET, ALL_OR_NOTHING, copy.replace(ORDER, quantity=Decimal(5))])
async def test_other_orders_that_these_fills_honour_pass(order: Order) -> None:
    assert await says(order=order) == PASSED


@pytest.mark.parametrize(
    ("fills", "order", "reason"),
    [
        (changed(side=Side.SELL), ORDER, "a sell of BTC/USD, and a buy of BTC/USD was ordered"),
        (changed(symbol="ETH/USD"), ORDER, "a buy of ETH/USD, and a buy of BTC/USD was ordered"),
        (changed(client_order_id="a-2"), ORDER, "is of order a-2, and a-1 was ordered"),
        (changed(price=Decimal("64010.01")), ORDER, "at most 64010 was ordered"),
        (changed(quantity=Decimal("0.30000001")), ORDER, "0.50000001 was traded, and 0.5 was ordered"),
        (changed(quantity=Decimal("0.29")), ALL_OR_NOTHING, "all or nothing"),
        (changed(), DATED, "the order expired"),
        (changed(), copy.replace(ORDER, created_at_ns=FILL.at_ns + SECOND_NS + 1), "before the order"),
        (changed(price=Decimal(63_900)), ORDER, "prices were 63990 to 64005"),
        (changed(fee=Money(Decimal("12.82"), "USD")), ORDER, "12.79 USD to 12.81 USD is charged"),
        (changed(fee=Money(Decimal("12.78"), "USD")), ORDER, "12.79 USD to 12.81 USD is charged"),
        (changed(fee=Money(Decimal("12.8"), "EUR")), ORDER, "cost 12.8 EUR"),
    ],
)
async def test_each_rule_that_is_broken_fails(fills: tuple[Fill, Fill], order: Order, reason: str) -> None:
    result = await says(fills, order)
    assert result.status is CheckStatus.FAILED
    assert reason in result.detail


async def test_a_sale_has_its_limit_below() -> None:
    order = copy.replace(ORDER, side=Side.SELL, limit_price=Decimal(64_000))
    sold = [copy.replace(fill, side=Side.SELL) for fill in (FILL, SECOND_FILL)]
    assert await says(sold, order) == PASSED
    cheap = [sold[0], copy.replace(sold[1], price=Decimal("63999.99"))]
    assert "at least 64000 was ordered" in (await says(cheap, order)).detail


async def test_a_fill_may_seem_earlier_than_the_order_by_the_skew_of_two_clocks() -> None:
    order = copy.replace(ORDER, created_at_ns=FILL.at_ns + SECOND_NS)
    assert await says(order=order) == PASSED


@pytest.mark.parametrize(
    ("recorded", "reason"),
    [
        (Recorded(bands={}), "no price was recorded around fill f-1"),
        (Recorded(bounds=None), "should cost is not known"),
    ],
)
async def test_what_was_not_recorded_is_insufficient(recorded: Recorded, reason: str) -> None:
    result = await says(recorded=recorded)
    assert result.status is CheckStatus.INSUFFICIENT
    assert reason in result.detail


async def test_a_wrong_fee_fails_even_where_no_price_was_recorded() -> None:
    dear = changed(fee=Money(Decimal(13), "USD"))
    assert (await says(dear, recorded=Recorded(bands={}))).status is CheckStatus.FAILED


async def test_a_wrong_fill_fails_even_after_one_that_nobody_recorded() -> None:
    class FirstUnknown(Recorded):
        async def band(self, venue: str, symbol: str, from_ns: int, to_ns: int) -> PriceBand | None:
            known = await super().band(venue, symbol, from_ns, to_ns)
            return None if len(self.asked) == 1 else known

    assert (await says(recorded=FirstUnknown())).status is CheckStatus.INSUFFICIENT
    assert (await says(changed(price=Decimal(1)), recorded=FirstUnknown())).status is CheckStatus.FAILED


@pytest.mark.parametrize(
    ("price", "holds"),
    [("999", True), ("998.99999999", False), ("2002", True), ("2002.00000001", False), ("1500", True)],
)
def test_a_band_holds_its_edges(price: str, holds: bool) -> None:
    assert PriceBand(Decimal(1000), Decimal(2000)).holds(Decimal(price), 10) == holds


PRICE = st.decimals(Decimal("0.00000001"), 10**9, places=8)


@given(PRICE, PRICE, PRICE, st.integers(0, 9_999))
def test_a_band_is_widened_exactly(first: Decimal, second: Decimal, price: Decimal, tolerance_bps: int) -> None:
    low, high = sorted((first, second))
    band = PriceBand(low, high)
    # In whole numbers: nothing is rounded.
    units = [int(value * 10**8) for value in (low, high, price)]
    expected = units[0] * (10_000 - tolerance_bps) <= units[2] * 10_000 <= units[1] * (10_000 + tolerance_bps)
    assert band.holds(price, tolerance_bps) == expected


@given(
    st.lists(st.decimals(Decimal("0.001"), 1, places=3), min_size=1, max_size=8),
    st.decimals(Decimal("0.001"), 4, places=3),
)
def test_never_more_than_ordered_whatever_the_parts(parts: list[Decimal], ordered: Decimal) -> None:
    fills = [copy.replace(FILL, fill_id=f"f-{n}", at_ns=FILL.at_ns + n, quantity=part) for n, part in enumerate(parts)]
    order = copy.replace(ORDER, quantity=ordered)
    assert (list(broken_rules(order, fills, 0)) == []) == (sum(int(part * 1000) for part in parts) <= ordered * 1000)


@pytest.mark.parametrize(
    "prices", [(Decimal(2), Decimal(1)), (Decimal(0), Decimal(1)), (Decimal("NaN"), Decimal(1)), (1.0, 2.0)]
)
def test_a_band_that_makes_no_sense_is_refused(prices: tuple[Any, Any]) -> None:
    with pytest.raises(BandError, match="a band from"):
        PriceBand(*prices)


def test_fees_that_make_no_sense_are_refused() -> None:
    with pytest.raises(BandError, match="the least comes first"):
        FeeBounds(Money(Decimal(2), "USD"), Money(Decimal(1), "USD"))
    with pytest.raises(CurrencyError):
        FeeBounds(Money(Decimal(1), "USD"), Money(Decimal(2), "EUR"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("window_ms", 0),
        ("tolerance_bps", -1),
        ("tolerance_bps", 10_000),
        ("clock_skew_ms", 60_001),
        ("window_ms", True),
    ],
)
def test_limits_that_make_no_sense_are_refused(field: str, value: Any) -> None:
    with pytest.raises(BandError, match=rf"BandLimits\.{field} is"):
        BandLimits(**{field: value})
