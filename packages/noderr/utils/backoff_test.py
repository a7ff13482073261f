from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.utils import Backoff, BackoffError, seeded


def test_delays_double_up_to_the_limit() -> None:
    backoff = Backoff(first_seconds=1, limit_seconds=5)
    assert [backoff.delay_seconds(attempt) for attempt in range(5)] == [1, 2, 4, 5, 5]


@given(st.floats(0, 100), st.floats(0, 1000), st.floats(1, 10), st.integers(0, 100_000))
def test_delays_never_shrink_and_never_pass_the_limit(first: float, more: float, factor: float, attempt: int) -> None:
    backoff = Backoff(first_seconds=first, limit_seconds=first + more, factor=factor)
    now, later = backoff.delay_seconds(attempt), backoff.delay_seconds(attempt + 1)
    assert first <= now <= later <= first + more


@pytest.mark.parametrize(
    ("figures", "named"),
    [
        ({"first_seconds": -1, "limit_seconds": 1}, "first_seconds = -1"),
        ({"first_seconds": 2, "limit_seconds": 1}, "limit_seconds = 1"),
        ({"first_seconds": 1, "limit_seconds": float("inf")}, "limit_seconds = inf"),
        ({"first_seconds": 1, "limit_seconds": 2, "factor": 0.5}, "factor = 0.5"),
    ],
)
def test_impossible_figures_are_named(figures: dict[str, float], named: str) -> None:
    with pytest.raises(BackoffError, match=named):
        Backoff(**figures)


def test_negative_attempt_is_refused() -> None:
    with pytest.raises(BackoffError, match="attempt = -1"):
        Backoff(1, 2).delay_seconds(-1)


@given(st.floats(0.001, 100), st.integers(0, 200), st.integers())
def test_jitter_stays_in_the_upper_half_of_the_delay(first: float, attempt: int, seed: int) -> None:
    backoff = Backoff(first_seconds=first, limit_seconds=1000)
    delay = backoff.delay_seconds(attempt)
    assert delay / 2 <= backoff.jittered_seconds(attempt, seeded(seed, "jitter")) <= delay


def test_jitter_spreads_many_waiters_evenly() -> None:
    randomness = seeded(1, "jitter")
    waits = [Backoff(8, 8).jittered_seconds(0, randomness) for _ in range(4000)]
    quarters = [sum(low <= wait < low + 1 for wait in waits) for low in (4, 5, 6, 7)]
    assert all(900 < count < 1100 for count in quarters)
