from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.core.circuit_breaker import BreakerPolicy, BreakerState, CircuitBreaker, Permit
from noderr.core.errors import CircuitOpenError, FiguresError
from noderr.utils import ManualClock

POLICY = BreakerPolicy(
    window_seconds=60, failure_ratio=0.5, minimum_calls=10, consecutive_failures=5, open_seconds=30, probes=3
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def breaker(clock: ManualClock) -> CircuitBreaker:
    return CircuitBreaker("venue", clock, POLICY)


def results(breaker: CircuitBreaker, text: str) -> None:
    """One call for each letter: g is good, b is bad."""
    for letter in text:
        permit = breaker.admit()
        (permit.succeeded if letter == "g" else permit.failed)()


def state_of(breaker: CircuitBreaker) -> BreakerState:
    """The state at this moment: a type checker takes a property for what it was when looked at last."""
    return breaker.state


def refused_seconds(breaker: CircuitBreaker) -> float:
    with pytest.raises(CircuitOpenError) as error:
        breaker.admit()
    return error.value.retry_seconds


def open_up(breaker: CircuitBreaker) -> None:
    results(breaker, "bbbbb")
    assert breaker.state is BreakerState.OPEN


@pytest.mark.parametrize(
    ("calls", "state"),
    [
        ("bbbb", BreakerState.CLOSED),
        ("bbbbb", BreakerState.OPEN),
        ("bbbbgbbbb", BreakerState.CLOSED),
        ("gbgbgbgbg", BreakerState.CLOSED),
        ("gbgbgbgbgb", BreakerState.OPEN),
        ("gggggbbbbgb", BreakerState.CLOSED),
        ("gggggbbbbgbb", BreakerState.OPEN),
    ],
)
async def test_opens_on_ratio_with_volume_or_on_failures_in_a_row(
    breaker: CircuitBreaker, calls: str, state: BreakerState
) -> None:
    results(breaker, calls)
    assert breaker.state is state


async def test_open_lets_nothing_through_and_says_for_how_long(breaker: CircuitBreaker, clock: ManualClock) -> None:
    open_up(breaker)
    assert refused_seconds(breaker) == 30
    await clock.advance(29)
    assert refused_seconds(breaker) == 1
    with pytest.raises(CircuitOpenError, match=r"circuit venue is open after failures: try again in 1\.0 s"):
        breaker.admit()


async def test_half_open_lets_so_many_probes_through_and_closes_when_all_succeed(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    open_up(breaker)
    await clock.advance(30)
    assert state_of(breaker) is BreakerState.HALF_OPEN
    probes = [breaker.admit() for _ in range(3)]
    assert refused_seconds(breaker) == 30
    for probe in probes:
        assert state_of(breaker) is BreakerState.HALF_OPEN
        probe.succeeded()
        probe.failed()  # Told once only.
    assert state_of(breaker) is BreakerState.CLOSED
    results(breaker, "bbbb")  # Nothing of before counts.
    assert state_of(breaker) is BreakerState.CLOSED


async def test_one_failed_probe_opens_again_for_the_whole_time(breaker: CircuitBreaker, clock: ManualClock) -> None:
    open_up(breaker)
    await clock.advance(35)
    probes = [breaker.admit() for _ in range(3)]
    await clock.advance(1)
    probes[0].succeeded()
    probes[1].failed()
    assert refused_seconds(breaker) == 30
    probes[2].succeeded()  # Too late: it was a probe of an earlier try.
    assert breaker.state is BreakerState.OPEN


async def test_an_abandoned_probe_makes_room_for_another(breaker: CircuitBreaker, clock: ManualClock) -> None:
    open_up(breaker)
    await clock.advance(30)
    probes = [breaker.admit() for _ in range(3)]
    probes[0].abandoned()
    results(breaker, "g")
    refused_seconds(breaker)


async def test_probes_that_never_come_back_do_not_keep_it_shut(breaker: CircuitBreaker, clock: ManualClock) -> None:
    open_up(breaker)
    await clock.advance(30)
    lost = [breaker.admit() for _ in range(3)]
    await clock.advance(10)
    assert refused_seconds(breaker) == 20
    await clock.advance(20)
    results(breaker, "ggg")
    assert breaker.state is BreakerState.CLOSED
    lost[0].failed()
    assert breaker.state is BreakerState.CLOSED


async def test_results_of_calls_that_began_before_a_change_do_not_count(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    slow = [breaker.admit() for _ in range(20)]
    open_up(breaker)
    await clock.advance(30)
    assert breaker.state is BreakerState.HALF_OPEN
    for permit in slow[:10]:
        permit.succeeded()
    for permit in slow[10:]:
        permit.failed()
    assert breaker.state is BreakerState.HALF_OPEN


async def test_failures_of_long_ago_do_not_count_for_the_ratio(breaker: CircuitBreaker, clock: ManualClock) -> None:
    results(breaker, "bbbbgbbbb")
    await clock.advance(61)
    results(breaker, "gggggb")
    assert breaker.state is BreakerState.CLOSED


async def test_call_counts_what_the_caller_calls_a_failure(breaker: CircuitBreaker) -> None:
    async def answers() -> str:
        return "filled"

    async def refuses() -> str:
        raise KeyError("no such order")

    async def breaks() -> str:
        raise ConnectionError("gone")

    def unreachable(error: Exception) -> bool:
        return isinstance(error, ConnectionError)

    assert await breaker.call(answers, is_failure=unreachable) == "filled"
    for _ in range(20):
        with pytest.raises(KeyError, match="no such order"):
            await breaker.call(refuses, is_failure=unreachable)
    assert breaker.state is BreakerState.CLOSED
    for _ in range(5):
        with pytest.raises(ConnectionError, match="gone"):
            await breaker.call(breaks, is_failure=unreachable)
    with pytest.raises(CircuitOpenError):
        await breaker.call(answers)


async def test_cancelled_call_is_neither_good_nor_bad(breaker: CircuitBreaker, clock: ManualClock) -> None:
    for _ in range(20):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await breaker.call(lambda: clock.sleep(3600))
    assert breaker.state is BreakerState.CLOSED


@pytest.mark.parametrize(
    ("figures", "named"),
    [
        ({"window_seconds": 0}, "window_seconds = 0"),
        ({"open_seconds": float("inf")}, "open_seconds = inf"),
        ({"failure_ratio": 0}, "failure_ratio = 0"),
        ({"failure_ratio": 1.5}, "failure_ratio = 1.5"),
        ({"minimum_calls": 0}, "minimum_calls = 0"),
        ({"consecutive_failures": 0}, "consecutive_failures = 0"),
        ({"probes": -1}, "probes = -1"),
    ],
)
def test_impossible_figures_are_named(figures: dict[str, int], named: str) -> None:
    with pytest.raises(FiguresError, match=named):
        BreakerPolicy(**figures)


STEPS = st.lists(st.one_of(st.sampled_from(["admit", "good", "bad", "abandon"]), st.floats(0, 40)), max_size=200)


@given(STEPS)
@settings(deadline=None)  # The machine may be busy.
def test_whatever_happens_its_promises_hold(steps: list[str | float]) -> None:
    """Refused means a time to wait, after which it lets a call through; never more probes out than it may."""

    async def scenario() -> None:
        clock = ManualClock()
        breaker = CircuitBreaker("venue", clock, POLICY)
        out: list[Permit] = []
        for step in steps:
            before = breaker.state
            if isinstance(step, float):
                await clock.advance(step)
            elif step == "admit":
                wait = breaker.retry_seconds()
                assert 0 <= wait <= 30
                if wait > 0:
                    assert refused_seconds(breaker) == wait
                    assert before is not BreakerState.CLOSED
                else:
                    out.append(breaker.admit())
                    assert before is not BreakerState.OPEN
            elif out:
                permit = out.pop(0)
                {"good": permit.succeeded, "bad": permit.failed, "abandon": permit.abandoned}[step]()
            assert 0 <= breaker._probes_out <= POLICY.probes
            assert len(breaker._window._slices) <= 10
        # However it stands, one wait is enough.
        await clock.advance(breaker.retry_seconds() + 1e-6)
        breaker.admit()

    asyncio.run(scenario())
