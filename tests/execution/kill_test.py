"""The engine's process is killed at any moment, again and again: no order is sent twice, none is forgotten."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

from noderr.exchanges.paper_store import PaperStore
from noderr.exchanges.updates import VenueOrder
from noderr.execution.execution_journal import ExecutionJournal
from noderr.execution.records import ChildPlaced, FillKnown, Record, TradeFinished, TradeOpened
from noderr.types.signing.account_key import AccountKey
from noderr.utils import seeded
from tests.execution.trading_process import trade

EXECUTOR = AccountKey(b"\1" * 32).address
"""Of the process's node, the first of its folder."""
KILLS = 15
NEW = 2
"""Trades that each process begins."""
TRADES = KILLS * NEW
_LIFE_SECONDS = 60


def process(folder: Path, trades: int, new: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.execution.trading_process", str(folder), str(trades), str(new)]
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def kill_again_and_again(folder: Path) -> int:
    """How often it was killed while trades were under way."""
    rng, in_the_middle = seeded(11, "kills"), 0
    for number in range(1, KILLS + 1):
        with process(folder, number * NEW, NEW) as running:
            assert running.stdout is not None
            # Its log comes on the same output.
            begun = any(line == b"executing\n" for line in running.stdout)
            time.sleep(rng.uniform(0.0, 0.3))
            running.kill()
            _, said = running.communicate()
        assert begun, said.decode()
        in_the_middle += asyncio.run(has_open_trades(folder))
    return in_the_middle


async def has_open_trades(folder: Path) -> bool:
    journal = ExecutionJournal(folder / "1")
    try:
        return bool(await journal.not_told())
    finally:
        await journal.close()


def end(folder: Path) -> None:
    with process(folder, TRADES, 0) as running:
        try:
            _, said = running.communicate(timeout=_LIFE_SECONDS)
        except subprocess.TimeoutExpired:
            running.kill()
            raise
    assert running.returncode == 0, said.decode()


async def read(folder: Path, executor: bytes) -> tuple[list[VenueOrder], dict[bytes, list[Record]]]:
    venue, journal = PaperStore(folder / "paper" / "kraken.sqlite"), ExecutionJournal(folder)
    try:
        ids = [trade(number, executor).proposal.id for number in range(TRADES)]
        return await venue.orders(), {one: await journal.records_of(one) for one in ids}
    finally:
        await venue.close()
        await journal.close()


def test_whenever_it_is_killed_orders_are_sent_once_and_fills_are_all_known(tmp_path: Path) -> None:
    assert kill_again_and_again(tmp_path) >= KILLS // 3
    end(tmp_path)
    orders, records = asyncio.run(read(tmp_path / "1", EXECUTOR))
    placed = {
        record.order.client_order_id: record
        for of in records.values()
        for record in of
        if isinstance(record, ChildPlaced)
    }
    # The venue has each order once, and none that is not in the journal.
    assert max(Counter(one.order.client_order_id for one in orders).values()) == 1
    assert {one.order.client_order_id for one in orders} <= placed.keys()
    # What the venue traded is what the journal knows, fill by fill.
    there = {fill.fill_id: fill for one in orders for fill in one.fills}
    known = {
        record.fill.fill_id: record.fill for of in records.values() for record in of if isinstance(record, FillKnown)
    }
    assert known == there
    assert there
    for of in records.values():
        opened, *_ = of
        assert isinstance(opened, TradeOpened)
        assert sum(isinstance(record, TradeFinished) for record in of) == 1
        filled = sum((record.fill.quantity for record in of if isinstance(record, FillKnown)), Decimal(0))
        assert filled <= opened.mandate.order.quantity
