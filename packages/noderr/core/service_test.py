"""Several works of one service: they end together, and what fails is told as itself."""

from __future__ import annotations

import asyncio

import pytest

from noderr.core.service import run_until


async def forever(ended: list[str], name: str) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append(name)


async def test_all_run_until_they_are_stopped() -> None:
    stopping, ended = asyncio.Event(), list[str]()
    running = asyncio.create_task(run_until(stopping, forever(ended, "one"), forever(ended, "other")))
    await asyncio.sleep(0.01)
    assert not running.done()
    stopping.set()
    async with asyncio.timeout(5):
        await running
    assert sorted(ended) == ["one", "other"]


async def test_what_one_raises_ends_the_others_and_is_raised_itself() -> None:
    async def fail() -> None:
        raise OSError("the disk is gone")

    async def fail_deep() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(fail())

    for failing in (fail, fail_deep):
        ended: list[str] = []
        with pytest.raises(OSError, match="the disk is gone"):
            async with asyncio.timeout(5):
                await run_until(asyncio.Event(), forever(ended, "other"), failing())
        assert ended == ["other"]


async def test_with_nothing_to_do_it_waits_for_the_stop() -> None:
    stopping = asyncio.Event()
    running = asyncio.create_task(run_until(stopping))
    await asyncio.sleep(0.01)
    assert not running.done()
    stopping.set()
    async with asyncio.timeout(5):
        await running
