"""The risk score: worked out by hand, between its bounds, and never lower for what is riskier."""

from __future__ import annotations

import copy
import dataclasses
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.oracle_consensus.errors import AssignmentError
from noderr.oracle_consensus.strategy_risk import RiskScore, StrategyProfile, StrategyType, strategy_risk
from noderr.types.trading.errors import FieldError

PROFILE = StrategyProfile(
    kind=StrategyType.LONG_SHORT,
    max_drawdown_bps=2000,
    sharpe_e2=120,
    volatility_bps=3500,
    max_leverage_e2=300,
    correlation_e3=400,
    flash_loans=False,
)
PROFILES = st.builds(
    StrategyProfile,
    kind=st.sampled_from(StrategyType),
    max_drawdown_bps=st.integers(0, 10_000),
    sharpe_e2=st.integers(-1000, 1000),
    volatility_bps=st.integers(0, 20_000),
    max_leverage_e2=st.integers(0, 2000),
    correlation_e3=st.integers(0, 1000),
    flash_loans=st.booleans(),
)


def test_a_score_worked_out_by_hand() -> None:
    risk = strategy_risk(PROFILE)
    # Drawdown 20, Sharpe 100 - 60, volatility 35, leverage 3/10, correlation 40, liquidity 20.
    assert risk == RiskScore(
        drawdown_e2=2000,
        sharpe_e2=4000,
        volatility_e2=3500,
        leverage_e2=3000,
        correlation_e2=4000,
        liquidity_e2=2000,
    )
    # 6 + 8 + 7 + 4.5 + 4 + 1 = 30.5, rounded up.
    assert risk.score == 31


@pytest.mark.parametrize(
    ("changes", "score"),
    [
        ({"max_drawdown_bps": 0, "sharpe_e2": 200, "volatility_bps": 0, "max_leverage_e2": 0, "correlation_e3": 0}, 1),
        ({"flash_loans": True}, 34),
        ({"sharpe_e2": 0}, 43),
        ({"sharpe_e2": -500}, 43),
        ({"sharpe_e2": 200}, 23),
        ({"sharpe_e2": 900}, 23),
        ({"max_leverage_e2": 1000}, 41),
        ({"max_leverage_e2": 100_000}, 41),
        ({"volatility_bps": 10_000}, 44),
        ({"volatility_bps": 10**9}, 44),
        ({"max_drawdown_bps": 10_000}, 55),
        ({"correlation_e3": 1000}, 37),
    ],
)
def test_one_thing_changed(changes: dict[str, Any], score: int) -> None:
    assert strategy_risk(copy.replace(PROFILE, **changes)).score == score


@given(PROFILES)
def test_it_is_the_weighted_mean_rounded(profile: StrategyProfile) -> None:
    risk = strategy_risk(profile)
    parts = dataclasses.astuple(risk)
    exact = sum(
        (Fraction(part, 100) * weight / 100 for part, weight in zip(parts, (30, 20, 20, 15, 10, 5), strict=True))
    )
    assert all(0 <= part <= 10_000 for part in parts)
    assert 0 <= risk.score <= 100
    assert Fraction(-1, 2) < risk.score - exact <= Fraction(1, 2)


@given(
    PROFILES, st.sampled_from(["max_drawdown_bps", "volatility_bps", "max_leverage_e2", "correlation_e3"]), st.data()
)
def test_riskier_is_never_a_lower_score(profile: StrategyProfile, field: str, data: st.DataObject) -> None:
    most = {"max_drawdown_bps": 10_000, "correlation_e3": 1000}.get(field, 50_000)
    more: dict[str, Any] = {field: data.draw(st.integers(getattr(profile, field), most))}
    assert strategy_risk(copy.replace(profile, **more)).score >= strategy_risk(profile).score
    worse = copy.replace(profile, sharpe_e2=profile.sharpe_e2 - data.draw(st.integers(0, 1000)))
    assert strategy_risk(worse).score >= strategy_risk(profile).score
    assert strategy_risk(copy.replace(profile, flash_loans=True)).score >= strategy_risk(profile).score


def test_the_types_have_the_contracts_numbers() -> None:
    assert [kind.name for kind in sorted(StrategyType)] == [
        "LONG_ONLY",
        "SHORT_ONLY",
        "LONG_SHORT",
        "MARKET_NEUTRAL",
        "DIRECTIONAL",
    ]
    assert sorted(StrategyType) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": 2},
        {"kind": None},
        {"flash_loans": 1},
        {"max_drawdown_bps": 10_001},
        {"max_drawdown_bps": -1},
        {"sharpe_e2": 1.2},
        {"volatility_bps": -1},
        {"max_leverage_e2": -1},
        {"correlation_e3": 1001},
    ],
)
def test_a_profile_that_makes_no_sense(changes: dict[str, Any]) -> None:
    with pytest.raises((AssignmentError, FieldError)):
        copy.replace(PROFILE, **changes)
