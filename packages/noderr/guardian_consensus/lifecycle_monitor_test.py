"""The monitor: once a minute, all strategies, and what cannot be measured is said and never promoted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from noderr.core.service import Service
from noderr.core.status import ServiceState, StatusBoard
from noderr.core.supervisor import Supervisor
from noderr.guardian_consensus.lifecycle import Insufficient, Move, Performance, Stage
from noderr.guardian_consensus.lifecycle_book import LifecycleBook
from noderr.guardian_consensus.lifecycle_monitor import LifecycleMonitor
from noderr.guardian_consensus.lifecycle_testing import (
    STRATEGY,
    THREE,
    approval,
    clock_at_start,
    figures,
    opened_book,
)
from noderr.utils import ManualClock

OTHER = b"\x22" * 32


class Source:
    """Gives what it is told to, and counts the questions."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.says: dict[bytes, Performance | Insufficient | Exception] = {}
        self.slow_s = 0.0
        self.asked: list[bytes] = []

    async def performance(self, strategy: bytes) -> Performance | Insufficient:
        self.asked.append(strategy)
        if strategy == STRATEGY:
            await self._clock.sleep(self.slow_s)
        said = self.says.get(strategy, Insufficient("nobody measured it"))
        if isinstance(said, Exception):
            raise said
        return said


@pytest.fixture
def clock() -> ManualClock:
    return clock_at_start()


@pytest.fixture
async def book(tmp_path: Path, clock: ManualClock) -> AsyncIterator[LifecycleBook]:
    async with opened_book(tmp_path, clock) as book:
        for strategy in (STRATEGY, OTHER):
            await book.enter(strategy, THREE)
        for guardian in (0, 1):
            await book.approve(approval(guardian))
        yield book


async def test_one_look_moves_what_may_move_and_names_what_is_missing(book: LifecycleBook, clock: ManualClock) -> None:
    source = Source(clock)
    monitor = LifecycleMonitor(book, source, clock)
    source.says[STRATEGY] = figures(clock)
    with capture_logs() as logs:
        await monitor.poll()
    assert (await book.stage(STRATEGY)).stage is Stage.LIMITED_LIVE
    assert (await book.stage(OTHER)).stage is Stage.SHADOW
    assert monitor.judgements[OTHER].move is Move.INSUFFICIENT
    assert monitor.missing() == (f"figures of strategy {OTHER.hex()}: nobody measured it",)
    assert [(entry["event"], entry["strategy"]) for entry in logs] == [
        ("strategy_moved", STRATEGY.hex()),
        ("strategy_figures_missing", OTHER.hex()),
    ]


async def test_near_a_limit_it_warns_and_at_the_limit_it_demotes(book: LifecycleBook, clock: ManualClock) -> None:
    source = Source(clock)
    monitor = LifecycleMonitor(book, source, clock)
    source.says = {STRATEGY: figures(clock), OTHER: figures(clock)}
    await monitor.poll()
    source.says[STRATEGY] = figures(clock, drawdown=Decimal("0.16"))
    with capture_logs() as logs:
        await monitor.poll()
    assert [entry["warnings"] for entry in logs if entry["event"] == "strategy_near_demotion"] == [
        ["drawdown is 0.16, its limit 0.2"]
    ]
    assert (await book.stage(STRATEGY)).stage is Stage.LIMITED_LIVE
    source.says[STRATEGY] = figures(clock, drawdown=Decimal("0.2"))
    await monitor.poll()
    assert (await book.stage(STRATEGY)).stage is Stage.SHADOW


async def test_a_source_that_fails_or_hangs_is_no_figures_and_harms_no_other(
    book: LifecycleBook, clock: ManualClock
) -> None:
    source = Source(clock)
    monitor = LifecycleMonitor(book, source, clock, limit_s=10)
    source.says = {STRATEGY: figures(clock), OTHER: figures(clock)}
    source.slow_s = 11
    task = asyncio.create_task(monitor.poll())
    # The book is asked in a thread first, so that nobody sleeps yet when the clock first goes on.
    async with asyncio.timeout(30):
        while not task.done():
            await clock.advance(1)
            await asyncio.sleep(0.01)
    await task
    assert "may take 10 s" in monitor.missing()[0]
    assert monitor.judgements[OTHER].move is Move.AWAIT_APPROVAL
    source.slow_s, source.says[STRATEGY] = 0, OSError("secret path")
    with capture_logs():
        await monitor.poll()
    assert monitor.missing() == (f"figures of strategy {STRATEGY.hex()}: the source failed: OSError",)
    assert (await book.stage(STRATEGY)).stage is Stage.SHADOW


class Telling(LifecycleMonitor):
    """Says when a look is over: the book's thread answers in real time, so a test must wait for it."""

    def __init__(self, book: LifecycleBook, source: Source, clock: ManualClock) -> None:
        super().__init__(book, source, clock)
        self._over = asyncio.Queue[None]()

    async def poll(self) -> None:
        await super().poll()
        self._over.put_nowait(None)

    async def looked(self) -> None:
        async with asyncio.timeout(10):
            await self._over.get()


async def test_as_a_service_it_looks_every_minute_until_it_is_stopped(book: LifecycleBook, clock: ManualClock) -> None:
    source = Source(clock)
    monitor = Telling(book, source, clock)
    service: Service = monitor
    board, stop = StatusBoard(), asyncio.Event()
    life = asyncio.create_task(Supervisor([service], board, drain_seconds=2, clock=clock).run(stop))
    with capture_logs():
        await monitor.looked()
        assert board.status("strategy-lifecycle").state is ServiceState.RUNNING
        for looks in range(1, 4):
            await clock.advance(59)
            assert len(source.asked) == 2 * looks
            await clock.advance(1)
            await monitor.looked()
        stop.set()
        async with asyncio.timeout(5):
            await life
    assert len(source.asked) == 8
    assert board.status("strategy-lifecycle").state is ServiceState.STOPPED
