"""The grid: seven different runs, each changed in one parameter by just its factor."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.guardian_consensus.robustness_grid import GridRun, StrategyParameters, robustness_grid
from noderr.types.trading import FieldError

BASE = StrategyParameters(lookback=20, threshold=Decimal("0.02"), size=Decimal("0.1"))


def test_the_seven_runs() -> None:
    def changed(lookback: int = 20, threshold: str = "0.02", size: str = "0.1") -> StrategyParameters:
        return StrategyParameters(lookback=lookback, threshold=Decimal(threshold), size=Decimal(size))

    assert robustness_grid(BASE) == (
        GridRun("base", BASE),
        GridRun("lookback x0.9", changed(lookback=18)),
        GridRun("lookback x1.1", changed(lookback=22)),
        GridRun("threshold x0.95", changed(threshold="0.019")),
        GridRun("threshold x1.05", changed(threshold="0.021")),
        GridRun("size x0.8", changed(size="0.08")),
        GridRun("size x1.2", changed(size="0.12")),
    )


NUMBERS = st.decimals(min_value=-1000, max_value=1000, places=6).filter(bool)


@given(st.integers(2, 10**9), NUMBERS, NUMBERS.map(abs))
def test_no_run_is_another_and_factors_are_exact(lookback: int, threshold: Decimal, size: Decimal) -> None:
    base, shorter, longer, lower, higher, smaller, larger = (
        run.parameters for run in robustness_grid(StrategyParameters(lookback=lookback, threshold=threshold, size=size))
    )
    assert len({base, shorter, longer, lower, higher, smaller, larger}) == 7
    assert 1 <= shorter.lookback <= Fraction(9, 10) * lookback < shorter.lookback + 1
    assert longer.lookback - 1 < Fraction(11, 10) * lookback <= longer.lookback
    assert [Fraction(run.threshold) / Fraction(threshold) for run in (lower, higher)] == [
        Fraction(19, 20),
        Fraction(21, 20),
    ]
    assert [Fraction(run.size) / Fraction(size) for run in (smaller, larger)] == [Fraction(4, 5), Fraction(6, 5)]


@pytest.mark.parametrize(
    ("lookback", "threshold", "size"), [(1, "1", "1"), (2, "0", "1"), (0, "1", "1"), (2, "1", "0")]
)
def test_a_base_without_neighbours_is_refused(lookback: int, threshold: str, size: str) -> None:
    with pytest.raises(FieldError):
        robustness_grid(StrategyParameters(lookback=lookback, threshold=Decimal(threshold), size=Decimal(size)))
