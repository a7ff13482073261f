"""Agreement: less than half cannot move the median out of the honest results, and honest noise accuses nobody."""

from __future__ import annotations

import copy
import dataclasses
import statistics
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.guardian_consensus.backtest_agreement import AgreementPolicy, agree
from noderr.guardian_consensus.backtest_metrics import BacktestMetrics
from noderr.guardian_consensus.errors import AgreementError
from noderr.types.trading import FieldError

POLICY = AgreementPolicy()
BASE = BacktestMetrics(
    sharpe=Decimal("1.50"),
    max_drawdown=Decimal("0.12"),
    win_rate=Decimal("0.62"),
    trades=120,
    annual_return=Decimal("0.2"),
    overfit=Decimal(35),
)
FIGURES = [field.name for field in dataclasses.fields(BacktestMetrics)]


def guardian(number: int) -> bytes:
    return bytes([number]) * 20


def results(*changes: dict[str, Any]) -> dict[bytes, BacktestMetrics]:
    return {guardian(number): copy.replace(BASE, **change) for number, change in enumerate(changes, 1)}


def test_runs_on_either_side_of_a_rounding_edge_agree() -> None:
    # Rounded to 0.01 these were 1.50 and 1.51, and by their hashes they disagreed.
    agreement = agree(results({"sharpe": Decimal("1.5049")}, {"sharpe": Decimal("1.5051")}, {}, {}, {}), POLICY)
    assert agreement.outliers == {}


def test_who_made_figures_up_is_named_with_the_figures() -> None:
    honest: list[dict[str, Any]] = [{"sharpe": Decimal(f"0.6{n}"), "trades": 40} for n in range(4)]
    invented = {"sharpe": Decimal("1.5"), "trades": 120}
    agreement = agree(results(*honest, invented), POLICY)
    assert agreement.outliers == {guardian(5): ("sharpe", "trades")}
    assert agreement.median.sharpe == Decimal("0.62")
    assert agreement.median.trades == 40


def test_the_cut_is_that_of_the_modified_z_score() -> None:
    # Deviations 0, 1, 1, 2, x: the MAD is 1, so 3.5 / 0.6745 = 5.189 of it are the most.
    def outliers(last: str) -> object:
        sharpes = ["10", "11", "9", "12", last]
        return agree(results(*({"sharpe": Decimal(text)} for text in sharpes)), POLICY).outliers

    # The median of 9, 10, 11, 12, x is 11 when x is above: deviations 2, 1, 0, 1, x - 11.
    assert outliers("16.18") == {}
    assert outliers("16.19") == {guardian(5): ("sharpe",)}


def test_of_an_even_number_the_less_flattering_one_of_the_middle_counts() -> None:
    spread: list[dict[str, Any]] = [
        {"max_drawdown": Decimal(n) / 10, "win_rate": Decimal(n) / 10, "trades": 48 + n} for n in range(4)
    ]
    agreement = agree(results(*spread), POLICY)
    assert (agreement.median.max_drawdown, agreement.median.win_rate) == (Decimal("0.2"), Decimal("0.1"))
    assert agreement.median.trades == 49


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_agree_on_nothing(count: int) -> None:
    with pytest.raises(AgreementError, match=f"{count} results: at least 3"):
        agree(results(*({} for _ in range(count))), POLICY)


def test_a_number_that_breaks_comparisons_is_no_result() -> None:
    for value in (Decimal("1E+10"), Decimal("-1E+96"), Decimal("1E-19")):
        with pytest.raises(FieldError, match="18 decimals|at least"):
            copy.replace(BASE, sharpe=value)


def metrics() -> st.SearchStrategy[BacktestMetrics]:
    share = st.decimals(min_value=0, max_value=1, places=18)
    return st.builds(
        BacktestMetrics,
        sharpe=st.decimals(min_value=-50, max_value=50, places=18),
        max_drawdown=share,
        win_rate=share,
        trades=st.integers(0, 10**6),
        annual_return=st.decimals(min_value=-9, max_value=9, places=18),
        overfit=st.decimals(min_value=0, max_value=100, places=18),
    )


@given(st.lists(metrics(), min_size=2, max_size=5), st.data())
def test_less_than_half_cannot_move_the_median_out(honest: list[BacktestMetrics], data: st.DataObject) -> None:
    lies = data.draw(st.lists(metrics(), min_size=1 if len(honest) == 2 else 0, max_size=len(honest) - 1))
    together = dict(enumerate([*honest, *lies], 1))
    agreement = agree({guardian(number): one for number, one in together.items()}, POLICY)
    for figure in FIGURES:
        values = [getattr(one, figure) for one in honest]
        assert min(values) <= getattr(agreement.median, figure) <= max(values)


@given(st.lists(metrics(), min_size=3, max_size=8), st.randoms(use_true_random=False))
def test_the_order_makes_no_difference_and_medians_are_those_of_the_standard_library(
    drawn: list[BacktestMetrics], rng: Any
) -> None:
    entries = [(guardian(number), one) for number, one in enumerate(drawn, 1)]
    agreement = agree(dict(entries), POLICY)
    rng.shuffle(entries)
    assert agree(dict(entries), POLICY) == agreement
    for figure in FIGURES:
        values = [getattr(one, figure) for one in drawn]
        high = figure in ("max_drawdown", "overfit")
        expected = statistics.median_high(values) if high else statistics.median_low(values)
        assert getattr(agreement.median, figure) == expected


@given(st.lists(st.integers(-10, 10), min_size=3, max_size=9))
def test_noise_within_the_tolerance_accuses_nobody(noise: list[int]) -> None:
    # Half the tolerance on either side of the base: no two results are further apart than the tolerance.
    changes = [{"sharpe": BASE.sharpe + POLICY.tolerances["sharpe"] * n / 20} for n in noise]
    assert agree(results(*changes), POLICY).outliers == {}
