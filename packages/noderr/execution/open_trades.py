"""The trades that an engine has taken, from then until who settles them was told; while the engine runs.

A trade is taken once, ever: one that was executed before has its records, and those say how it ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import structlog

from noderr.exchanges.client_order_id import client_order_id
from noderr.exchanges.updates import OrderUpdate
from noderr.execution.actions import Action, Fault, Write
from noderr.execution.allotment import Allot
from noderr.execution.bounds import EngineBounds
from noderr.execution.errors import HaltedError
from noderr.execution.mandate import Mandate
from noderr.execution.outcome import Outcome
from noderr.execution.slices import Slicing
from noderr.execution.trade_book import TradeBook
from noderr.execution.trade_machine import TradeMachine
from noderr.execution.trade_run import Ports, TradeRun

_SECOND_NS = 1_000_000_000
_log = structlog.get_logger("noderr.execution")

type MakeSlicing = Callable[[Mandate, int], Slicing | None]
"""The schedule of a trade that begins at this time; None is all of it at once."""


class OpenTrades:
    """From one start of the engine to its end."""

    def __init__(
        self,
        ports: Ports,
        allot: Allot,
        slicing: MakeSlicing,
        bounds: EngineBounds,
        on_finished: Callable[[Outcome], Awaitable[None]],
    ) -> None:
        self._ports = ports
        self._allot = allot
        self._slicing = slicing
        self._bounds = bounds
        self._on_finished = on_finished
        self._tasks: asyncio.TaskGroup | None = None
        self._begun: set[bytes] = set()
        self._runs: dict[bytes, TradeRun] = {}
        """The newest last; those that are over until there are more than `remembered`."""

    @property
    def is_running(self) -> bool:
        return self._tasks is not None

    def __len__(self) -> int:
        return len(self._begun)

    def __contains__(self, trade_id: bytes) -> bool:
        return trade_id in self._begun

    async def recover(self) -> None:
        """Read what was under way when the last engine ended. Raises `StoreError` and `JournalError`."""
        for trade_id in await self._ports.journal.not_told():
            records = await self._ports.journal.records_of(trade_id)
            machine = TradeMachine.recovered(records, self._allot, client_order_id, self._bounds.trade)
            self._runs[trade_id] = TradeRun(machine, self._ports)
            self._begun.add(trade_id)
        self._ports.metrics.open_trades.set(len(self))

    async def run(self, stopping: asyncio.Event) -> None:
        """A trade that fails, for want of a disk, ends it; the next start goes on with all of them."""
        async with asyncio.TaskGroup() as tasks:
            for run in list(self._runs.values()):
                now_ns = self._ports.clock.now_ns()
                actions = [] if run.machine.book.finished is not None else run.machine.resume(now_ns)
                tasks.create_task(self._see_through(run, actions))
            why = self._ports.halted()
            if why is not None:
                self.halt(why)
            self._tasks = tasks
            try:
                await stopping.wait()
            finally:
                self._tasks = None

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it beside the trades; not at all while it does not run."""
        if self._tasks is None:
            work.close()
        else:
            self._tasks.create_task(work)

    async def begin(self, mandate: Mandate) -> Outcome | None:
        """Begin it; or its outcome, where it was executed before.

        Raises `HaltedError`, and `StoreError`; nothing was sent then, and it may be tried again.
        """
        trade_id = mandate.trade_id
        assert trade_id not in self._begun, "it is not under way"
        self._begun.add(trade_id)  # Before anything is awaited: twice at once is once.
        try:
            records = await self._ports.journal.records_of(trade_id)
            if records:
                machine = TradeMachine.recovered(records, self._allot, client_order_id, self._bounds.trade)
                self._begun.discard(trade_id)
                return Outcome.of(machine.book)
            tasks, why = self._tasks, self._ports.halted()
            if tasks is None or why is not None:  # It was not when this began; meanwhile the journal was read.
                raise HaltedError(f"nothing new is sent: {why or 'the engine does not run'}")
            now_ns = self._ports.clock.now_ns()
            machine = TradeMachine.of(mandate, self._allot, client_order_id, self._bounds.trade, now_ns=now_ns)
            run = self._runs[trade_id] = TradeRun(machine, self._ports)
            tasks.create_task(self._see_through(run, machine.start(self._slicing(mandate, now_ns))))
            self._ports.metrics.open_trades.set(len(self))
        except BaseException:
            self._begun.discard(trade_id)
            raise
        return None

    def halt(self, why: str) -> None:
        """Have each of them send nothing more, and take back what is out."""
        for trade_id in self._begun & self._runs.keys():
            machine = self._runs[trade_id].machine
            self._runs[trade_id].put(lambda now_ns, machine=machine: machine.halt(why, now_ns))  # type: ignore[misc]

    def orders_out(self, venue: str) -> set[str]:
        """The ids of the orders that this venue may still fill."""
        return {
            child.id
            for run in self._runs.values()
            for child in run.machine.book.open_children
            if child.placed.venue == venue
        }

    def on_update(self, update: OrderUpdate) -> None:
        """What a venue says of an order."""
        name = update.client_order_id
        run = next((run for run in self._runs.values() if name in run.machine.book.children), None)
        if run is None:
            _log.warning("update_of_unknown_order", order=name, update=type(update).__name__)
        elif run.machine.book.finished is None:
            run.put(lambda now_ns: run.machine.on_update(update, now_ns))
        elif self._tasks is not None:
            now_ns = self._ports.clock.now_ns()
            self._tasks.create_task(self._after_the_end(run.machine.on_update(update, now_ns)))

    def clear(self) -> None:
        """The engine has ended: what is under way is in the journal."""
        self._runs.clear()
        self._begun.clear()
        self._ports.metrics.open_trades.set(0)

    async def _see_through(self, run: TradeRun, first: list[Action]) -> None:
        book = run.machine.book
        trade_id = book.mandate.trade_id
        if book.finished is None:
            await run.run(first)
            self._count(book)
        outcome = Outcome.of(book)
        _log.info("trade_finished", trade=trade_id.hex(), reason=outcome.finished.reason.value)
        await self._on_finished(outcome)
        await self._ports.journal.mark_told(trade_id)
        self._begun.discard(trade_id)
        self._ports.metrics.open_trades.set(len(self))
        over = [one for one in self._runs if one not in self._begun]
        for one in over[: max(0, len(over) - self._bounds.remembered)]:
            del self._runs[one]

    def _count(self, book: TradeBook) -> None:
        metrics, stamps = self._ports.metrics, book.stamps
        if book.finished is not None:
            metrics.trades.labels(book.finished.value).inc()
        if stamps.first_fill_ns is not None:
            metrics.first_fill.observe((stamps.first_fill_ns - stamps.approved_ns) / _SECOND_NS)

    async def _after_the_end(self, actions: Sequence[Action]) -> None:
        """A fill that comes when its trade is over is kept, and is a fault."""
        records = tuple(action.record for action in actions if isinstance(action, Write))
        if records:
            await self._ports.journal.append(records)
        for action in actions:
            if isinstance(action, Fault):
                self._ports.on_fault(action)
