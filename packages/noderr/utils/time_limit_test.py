"""The time limit: what is in time counts, what is late does not, and nothing is left running."""

from __future__ import annotations

import asyncio

import pytest

from noderr.utils import ManualClock, TimeLimitError, event_or_time, within


async def answer_after(clock: ManualClock, seconds: float, ended: list[str]) -> str:
    try:
        await clock.sleep(seconds)
    except asyncio.CancelledError:
        ended.append("cancelled")
        raise
    ended.append("answered")
    return "answer"


@pytest.mark.parametrize(("seconds", "in_time"), [(0, True), (1.999, True), (2.001, False), (100, False)])
async def test_an_answer_counts_within_the_limit(seconds: float, in_time: bool) -> None:
    clock, ended = ManualClock(), list[str]()
    task = asyncio.create_task(within(2, clock, answer_after(clock, seconds, ended)))
    await clock.advance(10)
    if in_time:
        assert await task == "answer"
        assert ended == ["answered"]
    else:
        with pytest.raises(TimeLimitError, match="it took 2 s and may take 2 s"):
            await task
        assert ended == ["cancelled"]


async def test_what_it_raises_is_passed_on() -> None:
    async def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await within(2, ManualClock(), fail())


async def test_an_answer_that_is_seen_too_late_is_too_late() -> None:
    class Jumping(ManualClock):
        """A machine that stood still for three seconds."""

        def monotonic(self) -> float:
            self.calls = getattr(self, "calls", 0) + 1
            return 0.0 if self.calls == 1 else 3.0

    async def answer() -> str:
        return "answer"

    with pytest.raises(TimeLimitError, match="it took 3 s"):
        await within(2, Jumping(), answer())


async def test_what_ignores_its_cancellation_holds_nobody_up() -> None:
    clock, release, stubborn_ended = ManualClock(), asyncio.Event(), asyncio.Event()

    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        stubborn_ended.set()
        raise RuntimeError("nobody is there to see this")

    task = asyncio.create_task(within(2, clock, stubborn()))
    await clock.advance(2)
    with pytest.raises(TimeLimitError):
        await task
    release.set()
    async with asyncio.timeout(5):
        await stubborn_ended.wait()


async def test_whoever_gives_up_takes_the_work_along() -> None:
    clock, ended = ManualClock(), list[str]()
    task = asyncio.create_task(within(2, clock, answer_after(clock, 1, ended)))
    await clock.advance(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await clock.advance(0)
    assert ended == ["cancelled"]


async def test_an_event_ends_the_wait_before_its_time() -> None:
    clock, event = ManualClock(), asyncio.Event()
    waiting = asyncio.create_task(event_or_time(event, 10, clock))
    await clock.advance(9)
    assert not waiting.done()
    event.set()
    async with asyncio.timeout(5):
        await waiting


async def test_the_time_ends_the_wait_for_an_event() -> None:
    clock, event = ManualClock(), asyncio.Event()
    waiting = asyncio.create_task(event_or_time(event, 10, clock))
    await clock.advance(10)
    async with asyncio.timeout(5):
        await waiting
    assert not event.is_set()


async def test_without_a_time_only_the_event_ends_the_wait() -> None:
    clock, event = ManualClock(), asyncio.Event()
    waiting = asyncio.create_task(event_or_time(event, None, clock))
    await clock.advance(1_000_000)
    assert not waiting.done()
    event.set()
    async with asyncio.timeout(5):
        await waiting


async def test_who_waits_can_be_cancelled_at_any_moment() -> None:
    clock, event = ManualClock(), asyncio.Event()
    for turns in range(8):
        waiting = asyncio.create_task(event_or_time(event, 10, clock))
        for _ in range(turns):
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(5):
                await waiting
