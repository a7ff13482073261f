"""Measures the spool against a bare SQLite table with the same durability, in the same run: appended and acknowledged.

    python -m noderr.telemetry.spool_bench [--records N] [--folder FOLDER]

Both write records of one size to FOLDER (a new one inside it), commit to the disk (WAL, synchronous = FULL), read them
back in batches, and delete what was read. The bare table has no numbers, no bound, and no thread of its own. Rounds
alternate; figures are medians.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from noderr.telemetry.spool import Spool
from noderr.types.wire.telemetry_pb2 import Record, Sample, Samples

_ROUNDS = 7
_BATCH = 500
_LIMIT_BYTES = 1 << 30
_BATCH_BYTES = 512 * 1024
_FULL_BYTES = 64_000_000


def record() -> Record:
    """One as a node sends it every fifteen seconds: samples of a dozen series."""
    samples = [Sample(name=f"noderr_event_loop_lag_seconds_{number}", value=number * 1.5) for number in range(12)]
    return Record(at_unix_ns=1_800_000_000_000_000_000, samples=Samples(samples=samples))


def bare(folder: Path, records: int, group: int) -> None:
    """The peer: what one would write without a spool, `group` records to a transaction."""
    connection = sqlite3.connect(folder / "bare.sqlite3", autocommit=True)
    with contextlib.closing(connection):
        connection.execute("PRAGMA journal_mode = WAL").close()
        connection.execute("PRAGMA synchronous = FULL").close()
        connection.execute("CREATE TABLE records (sequence INTEGER PRIMARY KEY, body BLOB NOT NULL)").close()
        one = record()
        for first in range(1, records + 1, group):
            connection.execute("BEGIN IMMEDIATE").close()
            rows = [(number, one.SerializeToString()) for number in range(first, first + group)]
            connection.executemany("INSERT INTO records VALUES (?, ?)", rows).close()
            connection.execute("COMMIT").close()
        query = "SELECT sequence, body FROM records ORDER BY sequence LIMIT ?"
        while rows := connection.execute(query, (_BATCH,)).fetchall():
            for _, body in rows:
                Record.FromString(body)
            connection.execute("BEGIN IMMEDIATE").close()
            connection.execute("DELETE FROM records WHERE sequence <= ?", (rows[-1][0],)).close()
            connection.execute("COMMIT").close()


def spool(folder: Path, records: int, group: int) -> None:
    asyncio.run(_spool(folder, records, group))


async def _spool(folder: Path, records: int, group: int) -> None:
    spool = Spool(folder, _LIMIT_BYTES)
    one = record()
    for _ in range(0, records, group):
        await spool.append_all([one] * group)
    while found := await spool.batch(_BATCH, _BATCH_BYTES):
        await spool.acknowledge(found[-1].sequence)
    await spool.close()


async def batch_milliseconds(folder: Path, waiting_bytes: int) -> dict[str, float]:
    """Medians of what a batch of 500 costs while so many bytes wait behind it."""
    spool = Spool(folder, waiting_bytes)
    one = record()
    while (await spool.state()).dropped == 0:
        await spool.append_all([one] * (_BATCH * 10))
    times: dict[str, list[float]] = {"append": [], "read": [], "acknowledge": [], "state": []}
    for _ in range(_ROUNDS * 3):
        with _timed(times["append"]):
            await spool.append_all([one] * _BATCH)
        with _timed(times["read"]):
            found = await spool.batch(_BATCH, _BATCH_BYTES)
        with _timed(times["acknowledge"]):
            await spool.acknowledge(found[-1].sequence)
        with _timed(times["state"]):
            await spool.state()
    await spool.close()
    return {name: statistics.median(some) * 1000 for name, some in times.items()}


@contextlib.contextmanager
def _timed(times: list[float]) -> Iterator[None]:
    began = time.perf_counter()
    yield
    times.append(time.perf_counter() - began)


def main() -> None:
    """Print records a second, the spool's ratio to the bare table, and milliseconds of a batch."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--records", type=int, default=5000, help="records of a round (default: 5000)")
    parser.add_argument("--folder", type=Path, help="where to write (default: where temporary files go)")
    options = parser.parse_args()
    print(f"records of {record().ByteSize()} bytes, medians of {_ROUNDS}")
    ways: tuple[Callable[[Path, int, int], None], ...] = (bare, spool)
    for group, records in ((1, options.records // 10), (_BATCH, options.records)):
        seconds: dict[str, list[float]] = {way.__name__: [] for way in ways}
        for _ in range(_ROUNDS):
            for way in ways:
                with tempfile.TemporaryDirectory(dir=options.folder) as folder, _timed(seconds[way.__name__]):
                    way(Path(folder), records, group)
        medians = {name: statistics.median(times) for name, times in seconds.items()}
        print(f"{records:,} records, {group} to a write")
        for name, median in medians.items():
            ratio = medians[bare.__name__] / median
            print(f"  {name:<6} {records / median:10,.0f} records/s   {ratio:5.2f} of a bare table")
    for waiting in (1_000_000, _FULL_BYTES):
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            found = asyncio.run(batch_milliseconds(Path(folder), waiting))
        costs = ", ".join(f"{name} {cost:.1f} ms" for name, cost in found.items())
        print(f"batch of {_BATCH} with {waiting / 1_000_000:,.0f} MB waiting: {costs}")


if __name__ == "__main__":
    main()
