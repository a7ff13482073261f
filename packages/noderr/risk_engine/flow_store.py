"""What was approved, on the disk: a guardian that is killed and started again has not forgotten it."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from pathlib import Path

from noderr.risk_engine.flow import Approved
from noderr.types.trading.on_wire import order_from_wire, order_to_wire
from noderr.types.wire import trading_pb2 as pb
from noderr.utils import SqliteStore

FILE_NAME = "approved-orders.sqlite3"

_MIGRATIONS = (
    """
    CREATE TABLE approved (
        id INTEGER PRIMARY KEY,
        at_ns INTEGER NOT NULL,
        -- A serialised noderr.trading.v1.Order.
        trade_order BLOB NOT NULL,
        worst_price TEXT NOT NULL,
        parent TEXT
    );
    CREATE INDEX approved_by_time ON approved (at_ns);
    """,
)


class FlowStore:
    """The file in `folder`. Every call, and opening, raises `noderr.utils` errors (`StoreError`)."""

    def __init__(self, folder: Path, window_ns: int) -> None:
        """Opens the file, which blocks. What is older than `window_ns` is forgotten."""
        self._window_ns = window_ns
        self._store = SqliteStore(folder / FILE_NAME, _MIGRATIONS)

    async def add(self, approved: Approved) -> None:
        """When it returns, it is on the disk."""
        await self._store.run(lambda connection: self._add(connection, approved))

    async def load(self, now_ns: int) -> list[Approved]:
        """What was approved within the window, oldest first."""
        rows = await self._store.run(
            lambda connection: connection.execute(
                "SELECT at_ns, trade_order, worst_price, parent FROM approved WHERE at_ns > ? ORDER BY at_ns, id",
                (now_ns - self._window_ns,),
            ).fetchall()
        )
        return [
            Approved(at_ns, order_from_wire(pb.Order.FromString(order)), Decimal(worst_price), parent)
            for at_ns, order, worst_price, parent in rows
        ]

    async def close(self) -> None:
        await self._store.close()

    def _add(self, connection: sqlite3.Connection, approved: Approved) -> None:
        connection.execute("DELETE FROM approved WHERE at_ns <= ?", (approved.at_ns - self._window_ns,))
        connection.execute(
            "INSERT INTO approved (at_ns, trade_order, worst_price, parent) VALUES (?, ?, ?, ?)",
            (
                approved.at_ns,
                order_to_wire(approved.order).SerializeToString(deterministic=True),
                str(approved.worst_price),
                approved.parent,
            ),
        )
