"""Fees are as scheduled to the last step, or they are not."""

from __future__ import annotations

import copy
from decimal import Decimal

import pytest

from noderr.types.trading import FieldError, Liquidity, Money
from noderr.validator_consensus.execution_testing import FILL
from noderr.validator_consensus.fee_table import FeeRates, FeeTable

# Of 12,800 USD: 33.28 for a taker, 20.48 for a maker.
TABLE = FeeTable({"kraken": FeeRates(maker=Decimal("0.0016"), taker=Decimal("0.0026"), digits=4)})


@pytest.mark.parametrize(
    ("liquidity", "fee", "holds"),
    [
        (Liquidity.TAKER, "33.28", True),
        (Liquidity.TAKER, "33.2801", True),
        (Liquidity.TAKER, "33.2799", True),
        (Liquidity.TAKER, "33.2802", False),
        (Liquidity.TAKER, "33.2798", False),
        (Liquidity.TAKER, "20.48", False),
        (Liquidity.TAKER, "0", False),
        (Liquidity.MAKER, "20.48", True),
        (Liquidity.MAKER, "33.28", False),
    ],
)
async def test_a_fee_is_held_against_the_rate(liquidity: Liquidity, fee: str, holds: bool) -> None:
    bounds = await TABLE.fees(copy.replace(FILL, liquidity=liquidity))
    assert bounds is not None
    assert bounds.holds(Money(Decimal(fee), "USD")) is holds


async def test_a_fee_in_another_currency_is_not_as_scheduled() -> None:
    bounds = await TABLE.fees(FILL)
    assert bounds is not None
    assert not bounds.holds(Money(Decimal("33.28"), "BTC"))


async def test_a_rebate_is_a_negative_fee() -> None:
    table = FeeTable({"kraken": FeeRates(maker=Decimal("-0.0001"), taker=Decimal(0), digits=2)})
    bounds = await table.fees(copy.replace(FILL, liquidity=Liquidity.MAKER))
    assert bounds is not None
    assert bounds.holds(Money(Decimal("-1.28"), "USD"))
    assert not bounds.holds(Money(Decimal("1.28"), "USD"))


async def test_another_venue_is_not_known() -> None:
    assert await TABLE.fees(copy.replace(FILL, venue="elsewhere")) is None


def test_rates_that_are_none_are_refused() -> None:
    with pytest.raises(FieldError, match="taker"):
        FeeRates(maker=Decimal(0), taker=Decimal("NaN"), digits=2)
