from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.core.errors import FiguresError
from noderr.core.rate_limiter import KeyedRateLimiter, TokenBucket
from noderr.utils import ManualClock

RATES = st.floats(0.01, 1000)
BURSTS = st.integers(1, 50)
STEPS = st.lists(st.one_of(st.integers(1, 60), st.floats(0, 5)), max_size=60)
"""Whole numbers take so many tokens, or as many as fit a burst; others let seconds pass."""


async def test_a_burst_at_once_then_the_rate() -> None:
    clock = ManualClock()
    bucket = TokenBucket(2, 5, clock)
    assert [bucket.try_take() for _ in range(6)] == [True] * 5 + [False]
    assert bucket.seconds_until() == 0.5
    assert bucket.seconds_until(4) == 2
    await clock.advance(0.5)
    assert [bucket.try_take(), bucket.try_take()] == [True, False]
    await clock.advance(3600)
    assert [bucket.try_take(5), bucket.try_take()] == [True, False]


async def test_a_refused_try_takes_nothing() -> None:
    bucket = TokenBucket(1, 5, ManualClock())
    assert bucket.try_take(3)
    assert not bucket.try_take(3)
    assert bucket.try_take(2)


@given(RATES, BURSTS, STEPS)
@settings(deadline=None)  # The machine may be busy.
def test_never_more_than_burst_and_rate_in_any_window(rate: float, burst: int, steps: list[int | float]) -> None:
    async def scenario() -> None:
        clock = ManualClock()
        bucket = TokenBucket(rate, burst, clock)
        taken: list[tuple[float, int]] = []
        for step in steps:
            if isinstance(step, float):
                await clock.advance(step)
            elif bucket.try_take(min(step, burst)):
                taken.append((clock.monotonic(), min(step, burst)))
        for first, (begin, _) in enumerate(taken):
            total = 0
            for end, count in taken[first:]:
                total += count
                assert total <= burst + rate * (end - begin) + 1e-6

    asyncio.run(scenario())


@given(RATES, BURSTS, STEPS)
@settings(deadline=None)  # The machine may be busy.
def test_after_the_time_told_the_tokens_are_there_and_not_before(
    rate: float, burst: int, steps: list[int | float]
) -> None:
    async def scenario() -> None:
        clock = ManualClock()
        bucket = TokenBucket(rate, burst, clock)
        for step in steps:
            if isinstance(step, float):
                await clock.advance(step)
                continue
            count = min(step, burst)
            seconds = bucket.seconds_until(count)
            assert 0 <= seconds <= burst / rate + 1e-9
            if seconds > 1e-3 and rate * seconds > 1e-3:
                assert not bucket.try_take(count)
                await clock.advance(seconds * 0.9)
                assert not bucket.try_take(count)
                seconds *= 0.1
            await clock.advance(seconds + 2e-9)  # The manual clock counts whole nanoseconds.
            assert bucket.try_take(count)

    asyncio.run(scenario())


async def test_keys_do_not_touch_each_other() -> None:
    limiter = KeyedRateLimiter(1, 2, 10, ManualClock())
    assert [limiter.try_take("one") for _ in range(3)] == [True, True, False]
    assert limiter.seconds_until("one") == 1
    assert limiter.seconds_until("other") == 0
    assert limiter.try_take("other", 2)


async def test_the_key_not_used_for_longest_makes_room() -> None:
    limiter = KeyedRateLimiter(1, 2, 2, ManualClock())
    limiter.try_take("one", 2)
    limiter.try_take("two", 1)
    limiter.try_take("one", 1)  # Refused, and yet a use.
    assert limiter.try_take("three", 1)  # With the one that "two" left.
    assert not limiter.try_take("one")
    assert limiter.seconds_until("three") == 1
    assert limiter.key_count == 2


@given(st.lists(st.one_of(st.integers(0, 30), st.floats(0, 2)), max_size=200), st.integers(1, 5))
@settings(deadline=None)  # The machine may be busy.
def test_a_flood_of_keys_gains_nothing_and_takes_no_memory(steps: list[int | float], key_limit: int) -> None:
    async def scenario() -> None:
        clock = ManualClock()
        limiter = KeyedRateLimiter(3, 4, key_limit, clock)
        taken = 0
        for step in steps:
            if isinstance(step, float):
                await clock.advance(step)
            else:
                taken += limiter.try_take(f"key {step}")
            assert limiter.key_count <= key_limit
        assert taken <= key_limit * (4 + 3 * clock.monotonic()) + 1e-6

    asyncio.run(scenario())


@given(st.lists(st.one_of(st.integers(0, 3), st.floats(0, 2)), max_size=100))
@settings(deadline=None)  # The machine may be busy.
def test_as_long_as_all_keys_fit_each_has_a_bucket_of_its_own(steps: list[int | float]) -> None:
    async def scenario() -> None:
        clock = ManualClock()
        limiter = KeyedRateLimiter(1, 2, 4, clock)
        buckets = [TokenBucket(1, 2, clock) for _ in range(4)]
        for step in steps:
            if isinstance(step, float):
                await clock.advance(step)
            else:
                assert limiter.try_take(str(step)) == buckets[step].try_take()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("figures", "named"),
    [
        ((0, 1, 1), "rate_per_second = 0"),
        ((float("nan"), 1, 1), "rate_per_second = nan"),
        ((1, -1, 1), "burst = -1"),
        ((1, 1, 0), "key_limit = 0"),
    ],
)
def test_impossible_figures_are_named(figures: tuple[float, float, int], named: str) -> None:
    with pytest.raises(FiguresError, match=named):
        KeyedRateLimiter(*figures, ManualClock())


@pytest.mark.parametrize("count", [0, -1, 5.5, float("nan")])
def test_counts_that_can_never_be_had_are_refused(count: float) -> None:
    bucket = TokenBucket(1, 5, ManualClock())
    for ask in (bucket.try_take, bucket.seconds_until):
        with pytest.raises(FiguresError, match="must be above 0 and at most the burst, 5"):
            ask(count)
