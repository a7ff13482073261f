"""Scores of forecasts: proper on a whole grid, equal to another library's, and a scale that says what it means."""

from __future__ import annotations

from typing import Any

import pytest

from noderr.oracle_consensus.errors import ReputationError
from noderr.oracle_consensus.forecast_score import ONE_E8, brier_e8, reputation, skill_e8, smoothed

GRID = range(0, 10_001, 250)


def test_the_brier_score_of_the_documentation_of_scikit_learn() -> None:
    # sklearn.metrics.brier_score_loss([0, 1, 1, 0], [0.1, 0.9, 0.8, 0.3]) is 0.0375.
    forecasts = [(1000, False), (9000, True), (8000, True), (3000, False)]
    assert sum(brier_e8(probability, happened) for probability, happened in forecasts) / 4 == 0.0375 * ONE_E8


@pytest.mark.parametrize("reference", [0, 1000, 5000, 9900])
def test_who_says_what_is_true_expects_most_and_nobody_else_as_much(reference: int) -> None:
    for truth in GRID:

        def expected(said: int, truth: int = truth) -> int:
            return truth * skill_e8(said, reference, True) + (10_000 - truth) * skill_e8(said, reference, False)

        best = expected(truth)
        assert all(expected(said) < best for said in GRID if said != truth)


def test_a_quotient_would_not_be_proper() -> None:
    # Why the difference is taken: with 1 - Brier / reference's Brier one does better by exaggerating.
    truth, reference = 3000, 2000

    def expected_quotient(said: int) -> float:
        return truth * (1 - brier_e8(said, True) / brier_e8(reference, True)) + (10_000 - truth) * (
            1 - brier_e8(said, False) / brier_e8(reference, False)
        )

    assert max(GRID, key=expected_quotient) != truth


@pytest.mark.parametrize("happened", [True, False])
def test_repeating_the_reference_is_no_skill(happened: bool) -> None:
    assert all(skill_e8(said, said, happened) == 0 for said in GRID)


@pytest.mark.parametrize(
    ("mean", "points"),
    [
        (0, 50),
        (ONE_E8 // 4, 100),
        (-ONE_E8 // 4, 0),
        (ONE_E8 // 8, 75),
        (-1, 49),
        (ONE_E8, 100),
        (-ONE_E8, 0),
    ],
)
def test_the_scale(mean: int, points: int) -> None:
    assert reputation(mean) == points


def test_the_mean_goes_to_what_comes_and_forgets_what_was() -> None:
    mean = 0
    for _ in range(69):  # The half-life of a memory of 100: ln 2 · 100.
        mean = smoothed(mean, ONE_E8, 100)
    assert 0.49 * ONE_E8 < mean < 0.51 * ONE_E8
    for _ in range(2000):
        mean = smoothed(mean, -ONE_E8, 100)
    assert abs(mean + ONE_E8) < 200


@pytest.mark.parametrize("probability", [-1, 10_001, 0.5, True, None])
def test_what_is_no_probability(probability: Any) -> None:
    with pytest.raises(ReputationError):
        brier_e8(probability, True)
