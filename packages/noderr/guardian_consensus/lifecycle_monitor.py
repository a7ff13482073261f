"""The service `strategy-lifecycle`: looks at every strategy once a minute, and moves it as its figures say."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from noderr.guardian_consensus.lifecycle import Insufficient, Judgement, Move, Performance
from noderr.guardian_consensus.lifecycle_book import LifecycleBook
from noderr.utils import Clock, TimeLimitError, event_or_time, within

_log = structlog.get_logger("noderr.guardian_consensus.lifecycle_monitor")


class PerformanceSource(Protocol):
    """Where the figures of a strategy come from."""

    async def performance(self, strategy: bytes) -> Performance | Insufficient:
        """Since it entered its stage. What it raises, and no answer in time, counts as `Insufficient`."""


class LifecycleMonitor:
    """Not critical: a guardian without it votes on, and no strategy is promoted.

    It looks every `poll_s` seconds; the source may take `limit_s` for each strategy.
    """

    name = "strategy-lifecycle"
    critical = False
    requires: tuple[str, ...] = ()

    def __init__(
        self,
        book: LifecycleBook,
        source: PerformanceSource,
        clock: Clock,
        *,
        poll_s: float = 60.0,
        limit_s: float = 10.0,
    ) -> None:
        self._book = book
        self._source = source
        self._clock = clock
        self._poll_s = poll_s
        self._limit_s = limit_s
        self._stopping = asyncio.Event()
        self._judgements: dict[bytes, Judgement] = {}

    async def start(self) -> None:
        self._stopping.clear()

    async def run(self) -> None:
        while not self._stopping.is_set():
            await self.poll()
            await event_or_time(self._stopping, self._poll_s, self._clock)

    async def stop(self) -> None:
        self._stopping.set()

    def missing(self) -> Sequence[str]:
        return tuple(
            f"figures of strategy {strategy.hex()}: {'; '.join(judgement.reasons)}"
            for strategy, judgement in self._judgements.items()
            if judgement.move is Move.INSUFFICIENT
        )

    @property
    def judgements(self) -> dict[bytes, Judgement]:
        """What was found of each strategy when it was last looked at."""
        return dict(self._judgements)

    async def poll(self) -> None:
        """Look at every strategy once. Raises `noderr.utils` errors (`StoreError`)."""
        strategies = await self._book.living()
        figures = await asyncio.gather(*map(self._figures, strategies))
        self._judgements = {}
        for strategy, found in zip(strategies, figures, strict=True):
            judgement = await self._book.observe(strategy, found)
            self._judgements[strategy] = judgement
            _report(strategy, judgement)

    async def _figures(self, strategy: bytes) -> Performance | Insufficient:
        try:
            return await within(self._limit_s, self._clock, self._source.performance(strategy))
        except TimeLimitError as error:
            return Insufficient(f"no answer: {error}")
        except Exception as error:  # Whatever it is, there are no figures, and the other strategies are looked at.
            _log.error("performance_failed", strategy=strategy.hex(), exc_info=error)
            return Insufficient(f"the source failed: {type(error).__name__}")


def _report(strategy: bytes, judgement: Judgement) -> None:
    said = {"strategy": strategy.hex(), "reasons": list(judgement.reasons)}
    if judgement.move in (Move.PROMOTE, Move.DEMOTE):
        _log.warning("strategy_moved", move=judgement.move.value, to=judgement.to.name, **said)
    elif judgement.move is Move.INSUFFICIENT:
        _log.warning("strategy_figures_missing", **said)
    if judgement.warnings:
        _log.warning("strategy_near_demotion", strategy=strategy.hex(), warnings=list(judgement.warnings))
