"""Thresholds: met exactly is met, a hair less is not, and only all five pass."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.guardian_consensus.backtest_metrics import BacktestMetrics
from noderr.guardian_consensus.backtest_thresholds import BacktestThresholds, assess_backtest
from noderr.types.trading import FieldError

THRESHOLDS = BacktestThresholds()
AT_EACH = BacktestMetrics(
    sharpe=Decimal("1.0"),
    max_drawdown=Decimal("0.20"),
    win_rate=Decimal("0.55"),
    trades=50,
    annual_return=Decimal("0.1"),
    overfit=Decimal(70),
)
# By less than a float could tell.
JUST_MISSED: list[tuple[str, Any, str]] = [
    ("sharpe", Decimal("0.999999999999999999"), "Sharpe ratio is 0.9"),
    ("max_drawdown", Decimal("0.200000000000000001"), "must be at most 0.2"),
    ("win_rate", Decimal("0.549999999999999999"), "must be at least 0.55"),
    ("trades", 49, "trades is 49, and must be at least 50"),
    ("overfit", Decimal("70.000000000000000001"), "must be at most 70"),
]


def test_a_figure_at_its_threshold_passes() -> None:
    assessment = assess_backtest(AT_EACH, THRESHOLDS)
    assert assessment.passed
    assert assessment.score_bps == 10_000


@pytest.mark.parametrize(("field", "value", "failure"), JUST_MISSED)
def test_a_hair_beyond_it_fails_and_says_why(field: str, value: Any, failure: str) -> None:
    assessment = assess_backtest(copy.replace(AT_EACH, **{field: value}), THRESHOLDS)
    assert not assessment.passed
    assert assessment.score_bps == 8_000
    [found] = assessment.failures
    assert failure in found


@given(st.sets(st.sampled_from(range(5))))
def test_the_score_counts_what_is_met(missed: set[int]) -> None:
    changes = {JUST_MISSED[index][0]: JUST_MISSED[index][1] for index in missed}
    assessment = assess_backtest(copy.replace(AT_EACH, **changes), THRESHOLDS)
    assert assessment.score_bps == 2_000 * (5 - len(missed))
    assert assessment.passed == (not missed)


def test_thresholds_can_be_others() -> None:
    strict = copy.replace(THRESHOLDS, least_trades=51)
    assert not assess_backtest(AT_EACH, strict).passed


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sharpe", 1.0),
        ("sharpe", Decimal("NaN")),
        ("max_drawdown", Decimal("-0.1")),
        ("max_drawdown", Decimal("1.1")),
        ("win_rate", Decimal(2)),
        ("trades", -1),
        ("trades", Decimal(5)),
        ("annual_return", Decimal("Infinity")),
        ("overfit", Decimal(101)),
    ],
)
def test_metrics_that_make_no_sense_are_refused(field: str, value: Any) -> None:
    with pytest.raises(FieldError, match=rf"BacktestMetrics\.{field}"):
        copy.replace(AT_EACH, **{field: value})
