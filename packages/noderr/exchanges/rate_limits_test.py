from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.core.errors import FiguresError
from noderr.exchanges.errors import RateLimitedError
from noderr.exchanges.rate_limits import Pool, RateLimits
from noderr.utils import ManualClock

ORDERS = {"orders": 1.0, "weight": 1.0}


async def test_a_burst_then_one_after_the_other_in_the_order_they_came() -> None:
    clock = ManualClock()
    limits = RateLimits({"orders": Pool(1, 2)}, clock)
    done: list[tuple[int, float]] = []

    async def ask(number: int) -> None:
        await limits.acquire({"orders": 1})
        done.append((number, clock.monotonic()))

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(ask(number))
        await clock.advance(2.5)
        assert [number for number, _ in done] == [0, 1, 2, 3]
        await clock.advance(1)
    assert [number for number, _ in done] == [0, 1, 2, 3, 4]
    assert [round(at, 3) for _, at in done] == [0, 0, 1, 2, 3]


async def test_somebody_small_does_not_overtake_somebody_large() -> None:
    clock = ManualClock()
    limits = RateLimits({"weight": Pool(1, 10)}, clock)
    await limits.acquire({"weight": 10})
    order: list[str] = []

    async def ask(name: str, weight: float) -> None:
        await limits.acquire({"weight": weight})
        order.append(name)

    async with asyncio.TaskGroup() as group:
        group.create_task(ask("large", 8))
        group.create_task(ask("small", 1))
        await clock.advance(7)
        assert order == []
        await clock.advance(3)
    assert order == ["large", "small"]


async def test_one_request_pays_all_of_its_pools_or_none() -> None:
    clock = ManualClock()
    limits = RateLimits({"orders": Pool(1, 1), "weight": Pool(10, 100)}, clock)
    await limits.acquire(ORDERS)
    waiting = asyncio.create_task(limits.acquire(ORDERS))
    await clock.advance(0.5)
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    # It waited for an order, and so took no weight either: 100 are there to be had at once.
    await limits.acquire({"weight": 100})


async def test_who_wants_of_another_pool_does_not_wait() -> None:
    clock = ManualClock()
    limits = RateLimits({"orders": Pool(1, 1), "reads": Pool(1, 1)}, clock)
    await limits.acquire({"orders": 1})
    behind = asyncio.create_task(limits.acquire({"orders": 1}))
    await clock.advance(0)
    await asyncio.wait_for(limits.acquire({"reads": 1}), 1)
    assert not behind.done()
    await clock.advance(1)
    await behind


async def test_a_short_wait_does_not_last_as_long_as_an_earlier_long_one() -> None:
    clock = ManualClock()
    limits = RateLimits({"slow": Pool(0.01, 1), "quick": Pool(10, 1)}, clock)
    await limits.acquire({"slow": 1, "quick": 1})
    slow = asyncio.create_task(limits.acquire({"slow": 1}))
    await clock.advance(0)
    quick = asyncio.create_task(limits.acquire({"quick": 1}))
    await clock.advance(0.2)
    assert quick.done()
    await clock.advance(100)
    assert slow.done()


async def test_too_many_waiters_are_refused_and_the_others_keep_their_turn() -> None:
    clock = ManualClock()
    limits = RateLimits({"orders": Pool(1, 1)}, clock, most_waiting=2)
    await limits.acquire({"orders": 1})
    waiting = [asyncio.create_task(limits.acquire({"orders": 1})) for _ in range(2)]
    await clock.advance(0)
    with pytest.raises(RateLimitedError, match="2 requests wait"):
        await limits.acquire({"orders": 1})
    assert limits.waiting == 2
    await clock.advance(2)
    await asyncio.gather(*waiting)
    assert limits.waiting == 0


async def test_a_hold_lets_nobody_through_until_it_is_over() -> None:
    clock = ManualClock()
    limits = RateLimits({"orders": Pool(1, 5)}, clock)
    limits.hold(30)
    waiting = asyncio.create_task(limits.acquire({"orders": 1}))
    await clock.advance(29)
    assert not waiting.done()
    await clock.advance(1.1)
    await waiting


@pytest.mark.parametrize("costs", [{"none": 1.0}, {"orders": 6.0}, {"orders": 0.0}])
async def test_costs_that_can_never_be_paid_are_refused(costs: dict[str, float]) -> None:
    with pytest.raises(FiguresError):
        await RateLimits({"orders": Pool(1, 5)}, ManualClock()).acquire(costs)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6), st.floats(0, 3), st.booleans()), max_size=30),
    st.floats(0.2, 5),
)
@settings(max_examples=60, deadline=None)
def test_no_window_has_more_than_burst_and_rate_and_nobody_is_overtaken(
    requests: list[tuple[int, int, float, bool]], rate: float
) -> None:
    pools = {"a": Pool(rate, 3), "b": Pool(rate * 2, 6)}

    async def scenario() -> None:
        clock = ManualClock()
        limits = RateLimits(pools, clock, most_waiting=100)
        taken: list[tuple[int, float, dict[str, float]]] = []
        cancelled: set[int] = set()

        async def ask(number: int, costs: dict[str, float]) -> None:
            await limits.acquire(costs)
            taken.append((number, clock.monotonic(), costs))

        tasks = []
        for number, (first, second, pause, cancel) in enumerate(requests):
            costs = {name: float(cost) for name, cost in (("a", first), ("b", second)) if cost}
            tasks.append(asyncio.create_task(ask(number, costs)))
            await clock.advance(pause)
            if cancel and not tasks[number // 2].done():
                tasks[number // 2].cancel()
                cancelled.add(number // 2)
        await clock.advance(100 * len(requests) / rate)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert {number for number, _, _ in taken} == set(range(len(requests))) - cancelled
        for name, pool in pools.items():
            mine = [(number, at, costs[name]) for number, at, costs in taken if name in costs]
            assert [number for number, _, _ in mine] == sorted(number for number, _, _ in mine)
            for index, (_, begin, _) in enumerate(mine):
                total = 0.0
                for _, end, cost in mine[index:]:
                    total += cost
                    assert total <= pool.burst + pool.per_second * (end - begin) + 1e-6

    asyncio.run(scenario())
