"""How good a forecast of a yes or no was: the Brier score, against what one could have said without knowing anything.

The score is proper: who says what they believe expects the best one (Brier 1950; Gneiting and Raftery 2007). It stays
so against a reference that does not depend on the forecast, as a difference; as a quotient it would not.
"""

from __future__ import annotations

from noderr.oracle_consensus.errors import ReputationError

CERTAIN_BPS = 10_000
ONE_E8 = 100_000_000
NO_SKILL_REPUTATION = 50
MAX_REPUTATION = 100


def brier_e8(probability_bps: int, happened: bool) -> int:
    """(probability - outcome)² times 10^8: 0 is perfect, 10^8 is sure and wrong. Raises `ReputationError`."""
    check_probability(probability_bps)
    missed = probability_bps - CERTAIN_BPS if happened else probability_bps
    return missed * missed


def skill_e8(probability_bps: int, reference_bps: int, happened: bool) -> int:
    """How much better than the reference forecast, times 10^8; below 0 is worse. Raises `ReputationError`."""
    return brier_e8(reference_bps, happened) - brier_e8(probability_bps, happened)


def smoothed(mean: int, latest: int, memory: int) -> int:
    """The exponentially weighted mean with one more value, which has the weight 1 / `memory`. Rounded down."""
    return (mean * (memory - 1) + latest) // memory


def reputation(mean_skill_e8: int) -> int:
    """0 to 100: 50 without skill; 100 for who is always sure and right where the reference is even, 0 if wrong."""
    # The even reference has a Brier score of a quarter, so that its skill lies within ±1/4 for half of the scale.
    points = NO_SKILL_REPUTATION + 4 * NO_SKILL_REPUTATION * mean_skill_e8 // ONE_E8
    return max(0, min(MAX_REPUTATION, points))


def check_probability(probability_bps: object) -> None:
    """Raises `ReputationError`."""
    if not isinstance(probability_bps, int) or isinstance(probability_bps, bool):
        raise ReputationError(f"the probability {probability_bps!r} is no int: give basis points, 0 to {CERTAIN_BPS}")
    if not 0 <= probability_bps <= CERTAIN_BPS:
        raise ReputationError(f"the probability is {probability_bps}: it must be 0 to {CERTAIN_BPS} basis points")
