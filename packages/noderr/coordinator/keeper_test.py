"""The service `store`: honest while the database is away, and tidy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy.engine import URL

from noderr.coordinator.database import Database
from noderr.coordinator.keeper import StoreKeeper
from noderr.coordinator.node_store import NodeStore
from noderr.coordinator.nodes_api import CoordinatorMetrics
from noderr.coordinator.record_store import RecordStore
from noderr.coordinator.registry import Enrolment, Registry
from noderr.coordinator.testing import NOW_NS, ExampleNode, batch, record
from noderr.coordinator.testing_postgres import PostgresServer
from noderr.utils import ManualClock

NODES = tuple(ExampleNode(number) for number in range(1, 5))
_DAY = 86_400.0


class Kept:
    """A keeper that runs on a clock turned by hand."""

    def __init__(self, database: Database, executor: ThreadPoolExecutor) -> None:
        self.clock = ManualClock(NOW_NS)
        self.prometheus = CollectorRegistry()
        self.registry, self.nodes, self.records = Registry(database), NodeStore(database), RecordStore(database)
        self.keeper = StoreKeeper(
            self.nodes,
            self.records,
            CoordinatorMetrics(self.prometheus),
            executor,
            self.clock,
            heartbeat_seconds=15,
            retention_days=30,
        )

    def count(self, state: str) -> float | None:
        return self.prometheus.get_sample_value("noderr_coordinator_nodes", {"tier": "oracle", "state": state})

    @property
    def store_up(self) -> float | None:
        return self.prometheus.get_sample_value("noderr_coordinator_store_up")

    async def until(self, fits: Callable[[], bool], *, step_seconds: float = 5.0) -> None:
        """Let time pass until it fits; the keeper's work in threads takes real time."""
        async with asyncio.timeout(20):
            while not fits():
                await self.clock.advance(step_seconds)
                await asyncio.sleep(0.005)


@pytest.fixture
async def kept(database: Database) -> AsyncIterator[Kept]:
    with ThreadPoolExecutor(2) as executor:
        yield Kept(database, executor)


async def run(kept: Kept, work: Callable[[], AsyncIterator[None]]) -> None:
    await kept.keeper.start()
    running = asyncio.create_task(kept.keeper.run())
    async for _ in work():
        assert not running.done()
    await kept.keeper.stop()
    await asyncio.wait_for(running, 5)


async def test_nodes_are_counted_by_state_and_suspended_ones_left_out(kept: Kept) -> None:
    kept.registry.enrol([Enrolment(node.public_key, node.tier) for node in NODES], NOW_NS)
    for node in NODES[:3]:
        kept.nodes.heartbeat(node.node_id, node.heartbeat(1), NOW_NS)
    kept.registry.suspend(NODES[2].node_id, suspended=True)

    async def work() -> AsyncIterator[None]:
        assert {state: kept.count(state) for state in ("online", "late", "silent", "never")} == {
            "online": 2,
            "late": 0,
            "silent": 0,
            "never": 1,
        }
        yield
        await kept.until(lambda: kept.count("late") == 2)
        assert 30 < kept.clock.monotonic() < 300
        yield
        await kept.until(lambda: kept.count("silent") == 2)
        assert kept.clock.monotonic() > 300
        assert (kept.count("online"), kept.count("late")) == (0, 0)
        yield

    await run(kept, work)


async def test_records_are_deleted_when_they_are_too_old(kept: Kept) -> None:
    kept.registry.enrol([Enrolment(NODES[0].public_key, NODES[0].tier)], NOW_NS)
    kept.records.take(NODES[0].node_id, batch(record(1)), NOW_NS)
    kept.records.take(NODES[0].node_id, batch(record(2)), NOW_NS + round(20 * _DAY) * 1_000_000_000)

    async def work() -> AsyncIterator[None]:
        # One more than an hour before its time; the next hour it is gone.
        await kept.clock.advance(30 * _DAY - 3700)
        await asyncio.sleep(0.05)
        assert len(kept.records.recent(10)) == 2
        yield
        await kept.until(lambda: len(kept.records.recent(10)) < 2, step_seconds=600)
        assert kept.clock.monotonic() > 30 * _DAY
        assert [row.sequence for row in kept.records.recent(10)] == [2]
        yield

    await run(kept, work)


async def test_a_database_that_goes_away_and_comes_back(postgres: PostgresServer) -> None:
    url: URL = postgres.new_database()
    database = Database(url)
    with ThreadPoolExecutor(2) as executor:
        kept = Kept(database, executor)

        async def work() -> AsyncIterator[None]:
            assert (kept.keeper.missing(), kept.store_up) == ((), 1)
            postgres.stop()
            try:
                await kept.until(lambda: bool(kept.keeper.missing()))
            finally:
                postgres.start()
            (reason,) = kept.keeper.missing()
            assert "the database does not answer as it should" in reason
            assert kept.store_up == 0
            yield
            await kept.until(lambda: not kept.keeper.missing())
            assert kept.store_up == 1
            yield

        await run(kept, work)
    database.close()
