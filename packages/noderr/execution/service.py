"""The service `execution`: takes trades that both certificates approve, and sees each through, once, whatever happens.

At every start it goes on with what its journal has: every order that may have been sent is asked for, none sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from noderr.core.rate_limiter import TokenBucket
from noderr.core.service import run_until
from noderr.exchanges.client_order_id import client_order_id
from noderr.exchanges.updates import OrderUpdate
from noderr.exchanges.venue import Venue
from noderr.execution.actions import Action, Fault, Finished, Write
from noderr.execution.allotment import Allot
from noderr.execution.approval import ApprovalRules, ApprovedTrade, check_approval
from noderr.execution.bounds import TradeBounds
from noderr.execution.catalogue import ExecutionMetrics
from noderr.execution.errors import HaltedError, TooManyTradesError
from noderr.execution.execution_journal import ExecutionJournal
from noderr.execution.mandate import Mandate
from noderr.execution.reconciliation import ReconciliationLoop
from noderr.execution.slices import Slicing
from noderr.execution.trade_machine import TradeMachine
from noderr.execution.trade_run import Ports, TradeRun
from noderr.types.consensus import VoterSet
from noderr.types.consensus.approval import VoterSets
from noderr.types.eip712 import Domain
from noderr.utils import Clock

_SECOND_NS = 1_000_000_000
_log = structlog.get_logger("noderr.execution")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineBounds:
    """How much all trades together may do. `call_seconds` is how long a venue may take to answer a request."""

    open_trades: int = 64
    orders_per_second: float = 5.0
    orders_at_once: float = 20.0
    call_seconds: float = 5.0
    remembered: int = 256
    """Trades that are over and whose late updates are still understood."""
    trade: TradeBounds = field(default_factory=TradeBounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What `on_finished` gets, again after a restart if it did not return before: take each trade's once."""

    mandate: Mandate
    finished: Finished


class ExecutionService:
    """`voters`, `domain`, `executor` and `executors` are what approvals are checked by."""

    name = "execution"
    critical = False
    requires: tuple[str, ...] = ()

    def __init__(
        self,
        *,
        data_dir: Path,
        clock: Clock,
        venues: Callable[[], Mapping[str, Venue]],
        allot: Allot,
        voters: VoterSets,
        domain: Domain,
        executor: bytes,
        executors: Collection[bytes],
        on_finished: Callable[[Outcome], Awaitable[None]],
        metrics: ExecutionMetrics,
        slicing: Callable[[Mandate, int], Slicing | None] = lambda _mandate, _now_ns: None,
        bounds: EngineBounds | None = None,
    ) -> None:
        """`venues` are asked for at each start. `slicing` is the schedule of a trade; None is all of it at once."""
        self._data_dir = data_dir
        self._clock = clock
        self._open_venues = venues
        self._allot = allot
        self._voters = voters
        self._domain = domain
        self._executor = executor
        self._executors = executors
        self._on_finished = on_finished
        self._metrics = metrics
        metrics.halted.set(1)
        self._slicing = slicing
        self._bounds = bounds or EngineBounds()
        self._stopping = asyncio.Event()
        self._running = False
        self._halted: str | None = "it has not started"
        self._ports: Ports | None = None
        self._accounts: ReconciliationLoop | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._begun: set[bytes] = set()
        self._runs: dict[bytes, TradeRun] = {}
        """The newest last; those that are over until there are more than `remembered`."""

    @property
    def halted(self) -> str | None:
        """Why nothing new is sent; None when it may be."""
        return self._halted

    @property
    def is_running(self) -> bool:
        """Whether it takes trades, when it is not halted."""
        return self._tasks is not None

    @property
    def open_trades(self) -> int:
        return len(self._begun)

    async def start(self) -> None:
        """Open the journal and read what was under way. Raises `StoreError` and `JournalError`."""
        self._stopping.clear()
        journal = await asyncio.to_thread(ExecutionJournal, self._data_dir)
        bounds = self._bounds
        self._ports = Ports(
            venues=self._open_venues(),
            journal=journal,
            clock=self._clock,
            orders=TokenBucket(bounds.orders_per_second, bounds.orders_at_once, self._clock),
            call_seconds=bounds.call_seconds,
            metrics=self._metrics,
            halted=lambda: self._halted,
            on_fault=self._on_fault,
            on_fill=lambda fill: None if self._accounts is None else self._accounts.on_fill(fill),
        )
        self._accounts = ReconciliationLoop(
            self._ports.venues, journal, self._clock, self._orders_out, bounds.call_seconds
        )
        self._halted = await journal.halted()
        self._metrics.halted.set(self._halted is not None)
        for trade_id in await journal.not_told():
            records = await journal.records_of(trade_id)
            machine = TradeMachine.recovered(records, self._allot, client_order_id, bounds.trade)
            self._runs[trade_id] = TradeRun(machine, self._ports)
            self._begun.add(trade_id)
        for venue in self._ports.venues.values():
            venue.on_update(self._on_update)

    async def run(self) -> None:
        self._running = True
        try:
            assert self._accounts is not None, "start comes first"
            await run_until(self._stopping, self._work(), self._accounts.run())
        finally:
            self._running = False
            await self._let_go()

    async def stop(self) -> None:
        self._stopping.set()
        if not self._running:
            await self._let_go()

    def missing(self) -> Sequence[str]:
        if self._halted is not None:
            return (f"execution is halted: {self._halted}",)
        if self._accounts is not None and self._accounts.paused is not None:
            return (self._accounts.paused,)
        if self._ports is None or not self._ports.venues:
            return ("there is no account at any venue: nothing can be executed",)
        return ()

    async def execute(self, trade: ApprovedTrade) -> Outcome | None:
        """Begin it; or its outcome, where it was executed before. None while it is under way.

        Raises `NotApprovedError`, `HaltedError`, `TooManyTradesError`, and `StoreError`; nothing was sent then.
        """
        mandate = check_approval(trade, await self._rules(trade), now_ns=self._clock.now_ns())
        trade_id, ports, tasks = mandate.trade_id, self._ports, self._tasks
        if trade_id in self._begun:
            return None
        if ports is None or tasks is None or self._halted is not None:
            raise HaltedError(f"nothing new is sent: {self._halted or 'the engine does not run'}")
        if self._accounts is not None and self._accounts.paused is not None:
            raise HaltedError(f"no new trade begins: {self._accounts.paused}")
        if len(self._begun) >= self._bounds.open_trades:
            raise TooManyTradesError(f"{len(self._begun)} trades are under way: try again when one has ended")
        self._begun.add(trade_id)  # Before anything is awaited: twice at once is once.
        try:
            records = await ports.journal.records_of(trade_id)
            if records:
                machine = TradeMachine.recovered(records, self._allot, client_order_id, self._bounds.trade)
                self._begun.discard(trade_id)
                return _outcome(machine)
            now_ns = self._clock.now_ns()
            machine = TradeMachine.of(mandate, self._allot, client_order_id, self._bounds.trade, now_ns=now_ns)
            run = self._runs[trade_id] = TradeRun(machine, ports)
            tasks.create_task(self._see_through(run, machine.start(self._slicing(mandate, now_ns))))
            self._metrics.open_trades.set(len(self._begun))
        except BaseException:
            self._begun.discard(trade_id)
            raise
        return None

    async def halt(self, why: str) -> None:
        """Send nothing new and take back what is out, now and after a restart, until `resume`. Raises `StoreError`."""
        self._stop_sending(why)
        if self._ports is not None:
            await self._ports.journal.halt(why, self._clock.now_ns())

    async def resume(self) -> None:
        """Take new trades again; those that were halted stay so. Raises `StoreError`."""
        if self._ports is not None:
            await self._ports.journal.resume()
            self._halted = None
            self._metrics.halted.set(0)

    async def _rules(self, trade: ApprovedTrade) -> ApprovalRules:
        known: dict[tuple[int, int], VoterSet] = {}
        for certificate in (trade.oracle_certificate, trade.guardian_certificate):
            if certificate is not None:
                voters = await self._voters.voters(certificate.tier, certificate.epoch)
                if voters is not None:
                    known[certificate.tier, certificate.epoch] = voters
        return ApprovalRules(voters=known, domain=self._domain, executor=self._executor, executors=self._executors)

    async def _work(self) -> None:
        """A trade that fails, for want of a disk, ends the service; the next start goes on with all of them."""
        async with asyncio.TaskGroup() as tasks:
            for run in list(self._runs.values()):
                now_ns = self._clock.now_ns()
                actions = [] if run.machine.book.finished is not None else run.machine.resume(now_ns)
                tasks.create_task(self._see_through(run, actions))
            if self._halted is not None:
                self._stop_sending(self._halted)
            self._tasks = tasks
            try:
                await self._stopping.wait()
            finally:
                self._tasks = None

    async def _see_through(self, run: TradeRun, first: list[Action]) -> None:
        trade_id, ports = run.machine.mandate.trade_id, self._ports
        assert ports is not None
        if run.machine.book.finished is None:
            await run.run(first)
            self._count(run.machine)
        outcome = _outcome(run.machine)
        _log.info("trade_finished", trade=trade_id.hex(), reason=outcome.finished.reason.value)
        await self._on_finished(outcome)
        await ports.journal.mark_told(trade_id)
        self._begun.discard(trade_id)
        self._metrics.open_trades.set(len(self._begun))
        over = [one for one in self._runs if one not in self._begun]
        for one in over[: max(0, len(over) - self._bounds.remembered)]:
            del self._runs[one]

    def _count(self, machine: TradeMachine) -> None:
        book, stamps = machine.book, machine.book.stamps
        if book.finished is not None:
            self._metrics.trades.labels(book.finished.value).inc()
        if stamps.first_fill_ns is not None:
            self._metrics.first_fill.observe((stamps.first_fill_ns - stamps.approved_ns) / _SECOND_NS)

    def _orders_out(self, venue: str) -> set[str]:
        return {
            child.id
            for run in self._runs.values()
            for child in run.machine.book.open_children
            if child.placed.venue == venue
        }

    def _on_update(self, update: OrderUpdate) -> None:
        name = update.client_order_id
        run = next((run for run in self._runs.values() if name in run.machine.book.children), None)
        if run is None:
            _log.warning("update_of_unknown_order", order=name, update=type(update).__name__)
        elif run.machine.book.finished is None:
            run.put(lambda now_ns: run.machine.on_update(update, now_ns))
        elif self._tasks is not None:
            self._tasks.create_task(self._after_the_end(run.machine.on_update(update, self._clock.now_ns())))

    async def _after_the_end(self, actions: Sequence[Action]) -> None:
        """A fill that comes when its trade is over is kept, and is a fault."""
        records = tuple(action.record for action in actions if isinstance(action, Write))
        if records and self._ports is not None:
            await self._ports.journal.append(records)
        for action in actions:
            if isinstance(action, Fault):
                self._on_fault(action)

    def _on_fault(self, fault: Fault) -> None:
        self._metrics.faults.labels(fault.kind.value).inc()
        _log.error("fault", fault=fault.kind.value, order=fault.client_order_id, detail=fault.detail)
        if fault.kind.halts:
            why = f"{fault.kind} in trade {fault.trade_id.hex()[:16]}: {fault.detail}"
            self._stop_sending(why)
            if self._tasks is not None:
                self._tasks.create_task(self.halt(why))

    def _stop_sending(self, why: str) -> None:
        self._halted = self._halted or why
        self._metrics.halted.set(1)
        for trade_id in self._begun & self._runs.keys():
            machine = self._runs[trade_id].machine
            self._runs[trade_id].put(lambda now_ns, machine=machine: machine.halt(why, now_ns))  # type: ignore[misc]

    async def _let_go(self) -> None:
        ports, self._ports = self._ports, None
        self._halted = self._halted or "it has stopped"
        self._metrics.halted.set(1)
        self._runs.clear()
        self._begun.clear()
        if ports is not None:
            await ports.journal.close()


def _outcome(machine: TradeMachine) -> Outcome:
    book = machine.book
    assert book.finished is not None
    return Outcome(
        mandate=book.mandate, finished=Finished(book.mandate.trade_id, book.fills, book.finished, book.stamps)
    )
