"""For tests: an account that records what it got, and the service on a clock that stands still until it is turned."""

from __future__ import annotations

import asyncio
import contextlib
import copy
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from noderr.core.consensus.testing import DOMAIN, NOW_NS
from noderr.core.consensus.trade_testing import KEYS, KnownVoters, SignedTrade
from noderr.exchanges.errors import OutcomeUnknownError
from noderr.exchanges.updates import Filled, OrderUpdate, Rejected, RejectReason, VenueOrder
from noderr.exchanges.venue import Balance, FeeSchedule
from noderr.execution.allotment import Allotted, Wanted
from noderr.execution.approval import ApprovedTrade
from noderr.execution.bounds import EngineBounds
from noderr.execution.catalogue import ExecutionMetrics
from noderr.execution.machine_testing import AtVenue, fill_of
from noderr.execution.outcome import Outcome
from noderr.execution.service import ExecutionService
from noderr.types.trading import Instrument, Order, OrderState
from noderr.utils import ManualClock


class RecordingVenue:
    """`fate`: "fill" all at once, "refuse" each, "silent" takes it and says nothing, "break" after taking it."""

    name = "A"
    post_only = True

    def __init__(self, clock: ManualClock, fate: str = "fill") -> None:
        self.clock = clock
        self.fate = fate
        self.submitted: list[Order] = []
        self.asked: list[str] = []
        self.canceled: list[str] = []
        self.taken = Decimal(0)
        self.known: dict[str, AtVenue] = {}
        self._take: Callable[[OrderUpdate], None] = lambda _update: None

    async def submit(self, order: Order, *, post_only: bool = False) -> None:
        self.submitted.append(order)
        name, now_ns = order.client_order_id, self.clock.now_ns()
        if self.fate == "refuse":
            self.known[name] = AtVenue(order, self.name, OrderState.REJECTED)
            no = RejectReason.CANNOT_FILL
            self._take(Rejected(client_order_id=name, reason=no, detail="no", at_ns=now_ns))
            return
        fill = fill_of(order, self.name, order.quantity, at_ns=now_ns)
        self.known[name] = AtVenue(order, self.name, OrderState.FILLED, (fill,))
        if self.fate == "fill":
            self._take(Filled(fill=fill))
        if self.fate == "break":
            raise OutcomeUnknownError("the connection broke")

    async def cancel(self, client_order_id: str) -> None:
        self.canceled.append(client_order_id)

    async def order(self, client_order_id: str, symbol: str) -> VenueOrder | None:
        self.asked.append(client_order_id)
        known = self.known.get(client_order_id)
        return None if known is None else known.said(self.clock.now_ns())

    async def instruments(self) -> Mapping[str, Instrument]:
        return {}

    async def fees(self, symbol: str) -> FeeSchedule:
        return FeeSchedule(maker=Decimal(0), taker=Decimal(0))

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        return ()

    async def balances(self) -> Mapping[str, Balance]:
        return {
            currency: Balance(currency=currency, free=amount, reserved=Decimal(0))
            for currency, amount in self.holds().items()
        }

    def holds(self) -> dict[str, Decimal]:
        """What the fills came to, beside what was there; `taken` was never traded."""
        held = {"BTC": Decimal(10), "USD": Decimal(1_000_000)}
        for known in self.known.values():
            for fill in known.fills:
                held["BTC"] += fill.quantity * fill.side.sign
                held["USD"] -= fill.notional.amount * fill.side.sign
        return held | {"BTC": held["BTC"] - self.taken}

    def on_update(self, take: Callable[[OrderUpdate], None]) -> None:
        self._take = take


def all_to_a(wanted: Wanted) -> Sequence[Allotted]:
    return [Allotted(venue="A", quantity=wanted.quantity, limit_price=wanted.order.limit_price)]


def approved(trade: SignedTrade | None = None, **changes: Any) -> ApprovedTrade:
    trade = trade or SignedTrade()
    whole = ApprovedTrade(
        proposal=trade.proposal,
        agreed_signal=trade.agreed_signal,
        oracle_certificate=trade.oracle_certificate,
        guardian_certificate=trade.guardian_certificate,
    )
    return copy.replace(whole, **changes)


def numbered(number: int) -> ApprovedTrade:
    """Another trade for each number, all for the same order."""
    trade_id = number.to_bytes(32, "big")
    trade = SignedTrade(proposal_changes={"id": trade_id}, guardian_changes={"topic": trade_id})
    return approved(trade)


class Desk:
    """One service and its venue on one clock; `outcomes` is what it told."""

    def __init__(self, folder: Path, *, fate: str = "fill", bounds: EngineBounds | None = None) -> None:
        self.folder = folder
        self.bounds = bounds
        self.clock = ManualClock(NOW_NS)
        self.venue = RecordingVenue(self.clock, fate)
        self.outcomes: list[Outcome] = []
        self.service = self.new_service()

    def new_service(self) -> ExecutionService:
        self.registry = CollectorRegistry()
        return ExecutionService(
            data_dir=self.folder,
            clock=self.clock,
            venues=lambda: {"A": self.venue},
            allot=all_to_a,
            voters=KnownVoters(),
            domain=DOMAIN,
            executor=KEYS[0].address,
            executors=(KEYS[0].address,),
            on_finished=self._told,
            metrics=ExecutionMetrics(self.registry),
            bounds=self.bounds,
        )

    async def _told(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[ExecutionService]:
        """From its start to its end; every entry is a new process on the same disk."""
        self.service = self.new_service()
        await self.service.start()
        task = asyncio.create_task(self.service.run())
        await self.until(lambda: self.service.is_running)
        try:
            yield self.service
        finally:
            await self.service.stop()
            await task

    async def until(self, happened: Callable[[], bool], *, seconds: float = 0.0) -> None:
        """Turn the clock by so many seconds a step, until it has."""
        for _ in range(2000):
            if happened():
                return
            await asyncio.sleep(0.001)
            if seconds:
                await self.clock.advance(seconds)
        raise AssertionError("it did not happen")
