from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.execution.costs.impact import square_root_impact
from noderr.execution.errors import CostError


def test_one_percent_of_the_day_moves_a_tenth_of_the_volatility() -> None:
    """With a coefficient of one: 2 % · √0.01 = 20 bps."""
    assert square_root_impact(Decimal(10), Decimal(1000), Decimal("0.02"), Decimal(1)) == 20


@given(st.integers(0, 10**9), st.integers(1, 10**12), st.integers(0, 10**4), st.integers(1, 500))
def test_it_is_the_square_root_law(quantity: int, volume: int, volatility: int, coefficient: int) -> None:
    sigma, factor = Decimal(volatility) / 10_000, Decimal(coefficient) / 100
    found = square_root_impact(Decimal(quantity), Decimal(volume), sigma, factor)
    wanted = coefficient / 100 * volatility / 10_000 * math.sqrt(quantity / volume) * 10_000
    assert float(found) == pytest.approx(wanted, abs=6e-5, rel=1e-9)


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": Decimal(-1)},
        {"daily_volume": Decimal(0)},
        {"daily_volatility": Decimal("NaN")},
        {"coefficient": Decimal(0)},
        {"coefficient": Decimal("Infinity")},
    ],
)
def test_what_is_no_estimate_is_refused(changes: dict[str, Any]) -> None:
    usual = {
        "quantity": Decimal(1),
        "daily_volume": Decimal(1),
        "daily_volatility": Decimal("0.02"),
        "coefficient": Decimal(1),
    }
    with pytest.raises(CostError, match=next(iter(changes))):
        square_root_impact(**usual | changes)
