"""The service `store`: sees that the database answers, counts nodes for the metrics, and deletes what is too old."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Executor

import structlog

from noderr.coordinator.errors import StoreUnavailableError
from noderr.coordinator.network import STATES, node_state
from noderr.coordinator.node_store import NodeStore
from noderr.coordinator.nodes_api import CoordinatorMetrics
from noderr.coordinator.record_store import RecordStore
from noderr.coordinator.registry import TIERS
from noderr.utils import Clock

_log = structlog.get_logger("noderr.coordinator.store")

_LOOK_SECONDS = 5.0
_PRUNE_SECONDS = 3600.0
_DAY_NS = 86_400 * 1_000_000_000


class StoreKeeper:
    """Not critical: while the database is away the coordinator lives, is not ready, and refuses with 503."""

    name = "store"
    critical = False
    requires: tuple[str, ...] = ()

    def __init__(
        self,
        nodes: NodeStore,
        records: RecordStore,
        metrics: CoordinatorMetrics,
        executor: Executor,
        clock: Clock,
        *,
        heartbeat_seconds: int,
        retention_days: int,
    ) -> None:
        self._store = nodes
        self._records = records
        self._metrics = metrics
        self._executor = executor
        self._clock = clock
        self._heartbeat_seconds = heartbeat_seconds
        self._retention_days = retention_days
        self._stopping = asyncio.Event()
        self._problem = ""

    async def start(self) -> None:
        self._stopping.clear()
        await self._look()

    async def run(self) -> None:
        looking = asyncio.create_task(self._every(_LOOK_SECONDS, self._look))
        pruning = asyncio.create_task(self._every(_PRUNE_SECONDS, self._prune))
        stopping = asyncio.create_task(self._stopping.wait())
        tasks = {looking, pruning, stopping}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def stop(self) -> None:
        self._stopping.set()

    def missing(self) -> Sequence[str]:
        return (self._problem,) if self._problem else ()

    async def _every(self, seconds: float, work: Callable[[], Coroutine[None, None, None]]) -> None:
        while True:
            await work()
            await self._clock.sleep(seconds)

    async def _look(self) -> None:
        try:
            rows = await self._in_thread(self._store.all_nodes)
        except StoreUnavailableError as error:
            if not self._problem:
                _log.error("store_unavailable", reason=str(error))
            self._problem = str(error)
            self._metrics.store_up.set(0)
            return
        if self._problem:
            _log.info("store_available_again")
        self._problem = ""
        self._metrics.store_up.set(1)
        now_ns = self._clock.now_ns()
        counts = Counter(
            (row.tier, node_state(row.heartbeat_at_ns, now_ns, self._heartbeat_seconds))
            for row in rows
            if not row.suspended  # Its silence is nobody's trouble.
        )
        for tier in TIERS:
            for state in STATES:
                self._metrics.nodes.labels(tier, state).set(counts[tier, state])

    async def _prune(self) -> None:
        before_ns = self._clock.now_ns() - self._retention_days * _DAY_NS
        pruned = 0
        try:
            while some := await self._in_thread(lambda: self._records.prune(before_ns)):
                pruned += some
        except StoreUnavailableError as error:
            _log.warning("records_not_pruned", reason=str(error))
        if pruned:
            _log.info("records_pruned", records=pruned, retention_days=self._retention_days)

    async def _in_thread[T](self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)
