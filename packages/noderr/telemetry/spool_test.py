from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.telemetry.spool import FILE_NAME, Spool, SpoolState
from noderr.types.wire.telemetry_pb2 import NodeEvent, Record


def record(text: str) -> Record:
    return Record(at_unix_ns=1, node_event=NodeEvent(name=text))


async def names(spool: Spool) -> list[tuple[int, str]]:
    return [(one.sequence, one.node_event.name) for one in await spool.batch(1000, 1 << 30)]


async def test_sequences_only_grow_also_after_delivery_and_restart(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10_000)
    assert await spool.append_all([record("a"), record("b")]) == [1, 2]
    await spool.acknowledge(2)
    assert await names(spool) == []
    await spool.close()
    again = Spool(tmp_path, 10_000)
    assert await again.append(record("c")) == 3
    assert await names(again) == [(3, "c")]
    assert (await again.state()).records == 1
    await again.close()


async def test_oldest_are_dropped_and_counted_above_the_bound(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 200)
    for number in range(50):
        await spool.append(record(f"{number:020d}"))
    state = await spool.state()
    assert state.size_bytes <= 200
    assert state.records + state.dropped == 50
    assert (await names(spool))[-1] == (50, f"{49:020d}")
    await spool.close()


async def test_state_is_that_of_the_rows_whatever_was_done(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 150)
    await spool.append_all([record(f"{number:02d}") for number in range(30)])
    dropped = (await spool.state()).dropped
    assert 0 < dropped < 25
    await spool.acknowledge(25)
    assert (await spool.state()).records == 5
    await spool.renumber(60)
    await spool.append(record("30"))
    rows = await spool.batch(1000, 1 << 20)
    assert [row.sequence for row in rows] == [60, 61, 62, 63, 64, 65]
    assert await spool.state() == SpoolState(6, sum(row.ByteSize() for row in rows), dropped)
    await spool.close()


async def test_a_spool_of_the_first_version_is_counted_when_it_is_opened(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 1 << 20)
    await spool.append_all([record("a"), record("b"), record("c")])
    before = await spool.state()
    await spool.close()
    with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        connection.executescript("ALTER TABLE counters DROP COLUMN records; PRAGMA user_version = 1").close()
    again = Spool(tmp_path, 1 << 20)
    assert await again.state() == before
    assert before.records == 3
    await again.acknowledge(2)
    assert (await again.state()).records == 1
    await again.close()


async def test_batches_are_bounded_and_hold_at_least_one(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 1 << 20)
    await spool.append_all([record("x" * 100) for _ in range(10)])
    assert len(await spool.batch(3, 1 << 20)) == 3
    assert len(await spool.batch(10, 250)) == 2
    assert len(await spool.batch(10, 1)) == 1
    await spool.close()


async def test_renumbering_keeps_order_and_goes_on_above(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 1 << 20)
    await spool.append_all([record("a"), record("b")])
    await spool.renumber(2)
    assert await names(spool) == [(2, "a"), (3, "b")]
    assert await spool.append(record("c")) == 4
    await spool.close()


async def test_heartbeat_numbers_only_grow(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 1 << 20)
    assert [await spool.next_heartbeat(), await spool.next_heartbeat()] == [1, 2]
    await spool.raise_heartbeat(40)
    await spool.raise_heartbeat(7)
    await spool.close()
    again = Spool(tmp_path, 1 << 20)
    assert await again.next_heartbeat() == 41
    await again.close()


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["append", "send", "lose answer", "restart"])), max_size=25))
async def test_every_record_arrives_exactly_once_after_de_duplication(steps: list[tuple[str]]) -> None:
    arrived: dict[int, str] = {}
    written = 0
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder), 1 << 20)
        for (step,) in [*steps, ("send",)]:
            if step == "append":
                written += 1
                await spool.append(record(f"r{written}"))
            elif step == "restart":
                await spool.close()
                spool = Spool(Path(folder), 1 << 20)
            else:
                batch = await spool.batch(1000, 1 << 20)
                for one in batch:
                    assert arrived.setdefault(one.sequence, one.node_event.name) == one.node_event.name
                if step == "send" and batch:
                    await spool.acknowledge(batch[-1].sequence)
        await spool.close()
    assert sorted(arrived.values(), key=lambda name: int(name[1:])) == [f"r{n}" for n in range(1, written + 1)]


_CHILD = """
import asyncio, sys
from pathlib import Path
from noderr.telemetry.spool import Spool
from noderr.types.wire.telemetry_pb2 import NodeEvent, Record

async def main():
    spool = Spool(Path(sys.argv[1]), 1 << 20)
    while True:
        print(await spool.append(Record(node_event=NodeEvent(name="x"))), flush=True)

asyncio.run(main())
"""


def killed_while_appending(folder: Path) -> list[int]:
    """The sequences that a child told before it was killed in the middle of its work."""
    environ = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    command = [sys.executable, "-c", _CHILD, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as child:
        assert child.stdout is not None
        told = [int(child.stdout.readline()) for _ in range(20)]
        child.kill()
        return told + [int(line) for line in child.stdout.read().splitlines() if line]


async def test_what_was_told_as_appended_survives_kill_9(tmp_path: Path) -> None:
    told = killed_while_appending(tmp_path)
    spool = Spool(tmp_path, 1 << 20)
    kept = [sequence for sequence, _ in await names(spool)]
    assert kept[: len(told)] == told
    assert len(kept) - len(told) in (0, 1)
    await spool.close()
