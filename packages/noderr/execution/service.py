"""The service `execution`: takes trades that both certificates approve, and sees each through, once, whatever happens.

At every start it goes on with what its journal has: every order that may have been sent is asked for, none sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path

import structlog

from noderr.core.rate_limiter import TokenBucket
from noderr.core.service import run_until
from noderr.exchanges.venue import Venue
from noderr.execution.actions import Fault
from noderr.execution.allotment import Allot
from noderr.execution.approval import ApprovalRules, ApprovedTrade, check_approval
from noderr.execution.bounds import EngineBounds
from noderr.execution.catalogue import ExecutionMetrics
from noderr.execution.errors import HaltedError, TooManyTradesError
from noderr.execution.execution_journal import ExecutionJournal
from noderr.execution.open_trades import MakeSlicing, OpenTrades
from noderr.execution.outcome import Outcome
from noderr.execution.reconciliation import ReconciliationLoop
from noderr.execution.trade_run import Ports
from noderr.types.consensus import VoterSet
from noderr.types.consensus.approval import VoterSets
from noderr.types.eip712 import Domain
from noderr.utils import Clock

_log = structlog.get_logger("noderr.execution")


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
        slicing: MakeSlicing = lambda _mandate, _now_ns: None,
        bounds: EngineBounds | None = None,
    ) -> None:
        """`venues` are asked for at each start. `on_finished` gets an outcome again if it did not return before."""
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
        self._journal: ExecutionJournal | None = None
        self._trades: OpenTrades | None = None
        self._accounts: ReconciliationLoop | None = None

    @property
    def halted(self) -> str | None:
        """Why nothing new is sent; None when it may be."""
        return self._halted

    @property
    def is_running(self) -> bool:
        """Whether it takes trades, when it is not halted."""
        return self._trades is not None and self._trades.is_running

    @property
    def open_trades(self) -> int:
        return 0 if self._trades is None else len(self._trades)

    async def start(self) -> None:
        """Open the journal and read what was under way. Raises `StoreError` and `JournalError`."""
        self._stopping.clear()
        journal = self._journal = await asyncio.to_thread(ExecutionJournal, self._data_dir)
        bounds = self._bounds
        ports = Ports(
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
        trades = self._trades = OpenTrades(ports, self._allot, self._slicing, bounds, self._on_finished)
        self._accounts = ReconciliationLoop(ports.venues, journal, self._clock, trades.orders_out, bounds.call_seconds)
        self._halted = await journal.halted()
        self._metrics.halted.set(self._halted is not None)
        await trades.recover()
        for venue in ports.venues.values():
            venue.on_update(trades.on_update)

    async def run(self) -> None:
        self._running = True
        try:
            assert self._trades is not None, "start comes first"
            assert self._accounts is not None, "start comes first"
            await run_until(self._stopping, self._trades.run(self._stopping), self._accounts.run())
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
        if self._accounts is None or not self._accounts.watches:
            return ("there is no account at any venue: nothing can be executed",)
        return ()

    async def execute(self, trade: ApprovedTrade) -> Outcome | None:
        """Begin it; or its outcome, where it was executed before. None while it is under way.

        Raises `NotApprovedError`, `HaltedError`, `TooManyTradesError`, and `StoreError`; nothing was sent then.
        """
        mandate = check_approval(trade, await self._rules(trade), now_ns=self._clock.now_ns())
        trades, accounts = self._trades, self._accounts
        if trades is not None and mandate.trade_id in trades:
            return None
        if trades is None or not trades.is_running or self._halted is not None:
            raise HaltedError(f"nothing new is sent: {self._halted or 'the engine does not run'}")
        if accounts is not None and accounts.paused is not None:
            raise HaltedError(f"no new trade begins: {accounts.paused}")
        if len(trades) >= self._bounds.open_trades:
            raise TooManyTradesError(f"{len(trades)} trades are under way: try again when one has ended")
        return await trades.begin(mandate)

    async def halt(self, why: str) -> None:
        """Send nothing new and take back what is out, now and after a restart, until `resume`. Raises `StoreError`."""
        self._stop_sending(why)
        if self._journal is not None:
            await self._journal.halt(why, self._clock.now_ns())

    async def resume(self) -> None:
        """Take new trades again; those that were halted stay so. Raises `StoreError`."""
        if self._journal is not None:
            await self._journal.resume()
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

    def _on_fault(self, fault: Fault) -> None:
        self._metrics.faults.labels(fault.kind.value).inc()
        _log.error("fault", fault=fault.kind.value, order=fault.client_order_id, detail=fault.detail)
        if fault.kind.halts:
            why = f"{fault.kind} in trade {fault.trade_id.hex()[:16]}: {fault.detail}"
            self._stop_sending(why)
            if self._trades is not None:
                self._trades.spawn(self.halt(why))

    def _stop_sending(self, why: str) -> None:
        self._halted = self._halted or why
        self._metrics.halted.set(1)
        if self._trades is not None:
            self._trades.halt(why)

    async def _let_go(self) -> None:
        self._halted = self._halted or "it has stopped"
        self._metrics.halted.set(1)
        if self._trades is not None:
            self._trades.clear()
        journal = self._journal
        self._journal = self._trades = self._accounts = None
        if journal is not None:
            await journal.close()
