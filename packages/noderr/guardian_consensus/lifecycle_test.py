"""Stages: safer at once, riskier only by figures and approvals, and nothing at all without figures."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.guardian_consensus.errors import PolicyError
from noderr.guardian_consensus.lifecycle import (
    Insufficient,
    Judgement,
    LifecyclePolicy,
    Move,
    Performance,
    Stage,
    Standing,
    judge,
)
from noderr.types.trading import FieldError

NOW_NS = 1_790_000_000 * 10**9
ENTERED_NS = NOW_NS - 30 * 86_400 * 10**9
POLICY = LifecyclePolicy(
    promote_sharpe=Decimal("1.0"),
    promote_drawdown=Decimal("0.10"),
    promote_trades=50,
    demote_drawdown=Decimal("0.20"),
    demote_loss=Decimal("0.15"),
)
GOOD = Performance(
    sharpe=Decimal("1.0"),
    drawdown=Decimal("0.10"),
    pnl=Decimal("0.02"),
    trades=50,
    since_ns=ENTERED_NS,
    as_of_ns=NOW_NS,
)


def judged(stage: Stage, approvals: int = 0, **changes: Any) -> Judgement:
    return judge(Standing(stage, ENTERED_NS, approvals), copy.replace(GOOD, **changes), POLICY, NOW_NS)


@pytest.mark.parametrize(("stage", "to"), [(Stage.SHADOW, Stage.LIMITED_LIVE), (Stage.LIMITED_LIVE, Stage.FULL_LIVE)])
def test_figures_at_their_thresholds_and_two_approvals_promote_by_one(stage: Stage, to: Stage) -> None:
    assert judged(stage, 2) == Judgement(Move.PROMOTE, to, ("2 of 2 approvals",))
    for approvals in (0, 1):
        assert judged(stage, approvals) == Judgement(Move.AWAIT_APPROVAL, stage, (f"{approvals} of 2 approvals",))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sharpe": Decimal("0.999999999999999999999")}, "Sharpe ratio is 0.999999999999999999999, to be promoted 1"),
        ({"drawdown": Decimal("0.100000000000000000001")}, "drawdown is 0.100000000000000000001"),
        ({"trades": 49}, "trades is 49, to be promoted 50"),
        ({"since_ns": ENTERED_NS - 1}, "begin before it entered this stage"),
    ],
)
def test_all_approvals_do_not_promote_below_a_threshold(changes: dict[str, Any], reason: str) -> None:
    judgement = judged(Stage.SHADOW, 3, **changes)
    assert (judgement.move, judgement.to) == (Move.KEEP, Stage.SHADOW)
    [found] = judgement.reasons
    assert reason in found


@pytest.mark.parametrize("changes", [{"drawdown": Decimal("0.2")}, {"pnl": Decimal("-0.15")}])
@pytest.mark.parametrize(("stage", "to"), [(Stage.FULL_LIVE, Stage.LIMITED_LIVE), (Stage.LIMITED_LIVE, Stage.SHADOW)])
def test_a_limit_reached_demotes_by_one_whatever_was_approved(stage: Stage, to: Stage, changes: dict[str, Any]) -> None:
    judgement = judged(stage, 3, **changes)
    assert (judgement.move, judgement.to) == (Move.DEMOTE, to)
    assert "its limit" in judgement.reasons[0]


def test_in_shadow_a_limit_reached_keeps_it_there_though_all_else_is_well() -> None:
    judgement = judged(Stage.SHADOW, 3, pnl=Decimal("-0.15"))
    assert (judgement.move, judgement.to) == (Move.KEEP, Stage.SHADOW)
    assert judgement.reasons == ("loss is 0.15, its limit 0.15",)


@pytest.mark.parametrize(
    ("changes", "warnings"),
    [
        ({"drawdown": Decimal("0.159999999999999999999")}, ()),
        ({"drawdown": Decimal("0.16")}, ("drawdown is 0.16, its limit 0.2",)),
        ({"pnl": Decimal("-0.119999999999999999999")}, ()),
        ({"pnl": Decimal("-0.12")}, ("loss is 0.12, its limit 0.15",)),
        (
            {"drawdown": Decimal("0.19"), "pnl": Decimal("-0.14")},
            ("drawdown is 0.19, its limit 0.2", "loss is 0.14, its limit 0.15"),
        ),
    ],
)
def test_at_eighty_per_cent_of_a_limit_it_warns(changes: dict[str, Any], warnings: tuple[str, ...]) -> None:
    judgement = judged(Stage.FULL_LIVE, **changes)
    assert judgement.warnings == warnings
    assert (judgement.move, judgement.to) == (Move.KEEP, Stage.FULL_LIVE)


@pytest.mark.parametrize("stage", [Stage.SHADOW, Stage.LIMITED_LIVE, Stage.FULL_LIVE])
@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        (Insufficient("nobody measured it"), "nobody measured it"),
        (copy.replace(GOOD, as_of_ns=NOW_NS - 600 * 10**9 - 1), "are 600 s old, at most 600"),
        (copy.replace(GOOD, as_of_ns=NOW_NS + 600 * 10**9 + 1), "are -601 s old"),
    ],
)
def test_without_figures_it_is_never_promoted_and_says_so(
    stage: Stage, figures: Performance | Insufficient, reason: str
) -> None:
    judgement = judge(Standing(stage, ENTERED_NS, 3), figures, POLICY, NOW_NS)
    assert (judgement.move, judgement.to) == (Move.INSUFFICIENT, stage)
    assert reason in judgement.reasons[0]


NUMBERS = st.decimals(min_value=-2, max_value=3, places=12)
FIGURES = st.one_of(
    st.just(Insufficient("none")),
    st.builds(
        Performance,
        sharpe=NUMBERS,
        drawdown=NUMBERS.map(abs),
        pnl=NUMBERS,
        trades=st.integers(0, 100),
        since_ns=st.integers(ENTERED_NS - 5, ENTERED_NS + 5),
        as_of_ns=st.integers(NOW_NS - 10**12, NOW_NS + 10**12),
    ),
)


@given(st.sampled_from(list(Stage)), FIGURES, st.integers(0, 3))
def test_it_never_gets_riskier_without_figures_and_approvals(
    stage: Stage, figures: Performance | Insufficient, approvals: int
) -> None:
    judgement = judge(Standing(stage, ENTERED_NS, approvals), figures, POLICY, NOW_NS)
    if stage is Stage.RETIRED:
        assert judgement.to is Stage.RETIRED
        return
    assert abs(judgement.to - stage) <= 1
    assert (judgement.to is not stage) == (judgement.move in (Move.PROMOTE, Move.DEMOTE))
    if judgement.to > stage:
        assert approvals >= 2
        assert isinstance(figures, Performance)
        assert figures.sharpe >= 1
        assert figures.drawdown <= Decimal("0.1")
        assert figures.trades >= 50
        assert figures.since_ns >= ENTERED_NS
        assert figures.pnl > Decimal("-0.15")
    if isinstance(figures, Performance) and abs(figures.as_of_ns - NOW_NS) <= 600 * 10**9:
        breached = figures.drawdown >= Decimal("0.2") or figures.pnl <= Decimal("-0.15")
        assert (judgement.to < stage) == (breached and stage is not Stage.SHADOW)


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("promote_drawdown", Decimal("0.20"), PolicyError),
        ("promote_sharpe", 1.0, FieldError),
        ("demote_loss", Decimal("-0.1"), FieldError),
        ("approvals", 4, FieldError),
        ("approvals", 1, FieldError),
        ("warn_percent", 0, FieldError),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(field: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=field):
        copy.replace(POLICY, **{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [("drawdown", Decimal("-0.1")), ("sharpe", 1.0), ("trades", -1), ("as_of_ns", 5), ("as_of_ns", ENTERED_NS - 1)],
)
def test_figures_that_make_no_sense_are_refused(field: str, value: Any) -> None:
    with pytest.raises(FieldError, match=rf"Performance\.{field}"):
        copy.replace(GOOD, **{field: value})
