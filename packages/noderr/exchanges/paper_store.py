"""A paper account on the disk: what it opened with, its orders and their fills."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from noderr.exchanges.errors import AccountError
from noderr.exchanges.updates import VenueOrder
from noderr.types.trading import Fill, OrderState
from noderr.types.trading.decimals import add, decimal_text, parse_decimal
from noderr.types.trading.on_wire import fill_from_wire, fill_to_wire, order_from_wire, order_to_wire
from noderr.types.wire import trading_pb2 as pb
from noderr.utils import SqliteStore

_MIGRATIONS = (
    """
    CREATE TABLE account (id INTEGER PRIMARY KEY CHECK (id = 1), venue TEXT NOT NULL);
    CREATE TABLE opening (currency TEXT PRIMARY KEY, amount TEXT NOT NULL);
    CREATE TABLE orders (
        -- The venue's number of the order: they ascend as the orders came.
        number INTEGER PRIMARY KEY,
        client_order_id TEXT NOT NULL UNIQUE,
        -- A serialised noderr.trading.v1.Order.
        trade_order BLOB NOT NULL,
        state TEXT NOT NULL,
        as_of_ns INTEGER NOT NULL
    );
    CREATE TABLE fills (
        fill_id TEXT PRIMARY KEY,
        client_order_id TEXT NOT NULL REFERENCES orders (client_order_id),
        -- A serialised noderr.trading.v1.Fill.
        fill BLOB NOT NULL
    );
    """,
)


class PaperStore:
    """One file. Opening and every call raise `StoreError`."""

    def __init__(self, path: Path) -> None:
        """Opens the file, which blocks."""
        self._store = SqliteStore(path, _MIGRATIONS)

    async def open_account(self, venue: str, opening: Mapping[str, Decimal]) -> dict[str, Decimal]:
        """What the account opened with: `opening` when it is new. Raises `AccountError` for another venue's file."""

        def work(connection: sqlite3.Connection) -> dict[str, Decimal]:
            known = connection.execute("SELECT venue FROM account").fetchone()
            if known is None:
                connection.execute("INSERT INTO account VALUES (1, ?)", (venue,))
                rows = [(currency, decimal_text(amount)) for currency, amount in opening.items()]
                connection.executemany("INSERT INTO opening VALUES (?, ?)", rows)
            elif known[0] != venue:
                raise AccountError(f"{self._store.path} is an account at {known[0]}: name another file for {venue}")
            rows = connection.execute("SELECT currency, amount FROM opening").fetchall()
            return {currency: parse_decimal(amount) for currency, amount in rows}

        return await self._store.run(work)

    async def write(self, changed: Sequence[VenueOrder]) -> None:
        """When it returns, all of them are on the disk; they are together or not at all."""

        def work(connection: sqlite3.Connection) -> None:
            for one in changed:
                name = one.order.client_order_id
                content = order_to_wire(one.order).SerializeToString(deterministic=True)
                connection.execute(
                    "INSERT INTO orders VALUES (?, ?, ?, ?, ?) "
                    "ON CONFLICT (number) DO UPDATE SET state = excluded.state, as_of_ns = excluded.as_of_ns",
                    (int(one.venue_order_id), name, content, one.state.value, one.as_of_ns),
                )
                connection.executemany(
                    "INSERT INTO fills VALUES (?, ?, ?) ON CONFLICT (fill_id) DO NOTHING",
                    [
                        (fill.fill_id, name, fill_to_wire(fill).SerializeToString(deterministic=True))
                        for fill in one.fills
                    ],
                )

        await self._store.run(work)

    async def orders(self) -> list[VenueOrder]:
        """All of them, in the order in which they came. Raises `FieldError` for what no order is."""

        def work(connection: sqlite3.Connection) -> tuple[list[tuple[int, bytes, str, int]], list[tuple[str, bytes]]]:
            orders = connection.execute(
                "SELECT number, trade_order, state, as_of_ns FROM orders ORDER BY number"
            ).fetchall()
            return orders, connection.execute("SELECT client_order_id, fill FROM fills ORDER BY rowid").fetchall()

        orders, fills = await self._store.run(work)
        of: defaultdict[str, list[Fill]] = defaultdict(list)
        for name, content in fills:
            of[name].append(fill_from_wire(pb.Fill.FromString(content)))
        return [_order(number, content, state, as_of_ns, of) for number, content, state, as_of_ns in orders]

    async def close(self) -> None:
        await self._store.close()


def _order(number: int, content: bytes, state: str, as_of_ns: int, fills: Mapping[str, list[Fill]]) -> VenueOrder:
    order = order_from_wire(pb.Order.FromString(content))
    its = tuple(fills.get(order.client_order_id, ()))
    filled = Decimal(0)
    for fill in its:
        filled = add(filled, fill.quantity)
    return VenueOrder(
        order=order,
        venue_order_id=str(number),
        state=OrderState(state),
        filled=filled,
        fills=its,
        as_of_ns=as_of_ns,
    )
