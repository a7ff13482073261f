"""One trade under way: does what its machine wants, in order, and tells it what came of that."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass

import structlog

from noderr.core.rate_limiter import TokenBucket
from noderr.exchanges.errors import (
    AuthenticationError,
    InvalidOrderError,
    RateLimitedError,
    VenueDownError,
)
from noderr.exchanges.venue import Venue
from noderr.execution.actions import Action, Cancel, Fault, Finished, Query, Submit, SubmitResult, Write
from noderr.execution.catalogue import ExecutionMetrics
from noderr.execution.execution_journal import ExecutionJournal
from noderr.execution.records import FillKnown, Record
from noderr.execution.trade_machine import TradeMachine
from noderr.types.trading import Fill
from noderr.utils import Clock, event_or_time, within

_SECOND_NS = 1_000_000_000
_log = structlog.get_logger("noderr.execution")

type Step = Callable[[int], list[Action]]
"""An input of the machine, at the time that it is given."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """What a trade acts through. `halted` says why nothing new may be sent."""

    venues: Mapping[str, Venue]
    journal: ExecutionJournal
    clock: Clock
    orders: TokenBucket
    call_seconds: float
    metrics: ExecutionMetrics
    halted: Callable[[], str | None]
    on_fault: Callable[[Fault], None]
    on_fill: Callable[[Fill], None]


class TradeRun:
    """`on_update` and `halt` may be called at any time; what they bring is done after what is being done."""

    def __init__(self, machine: TradeMachine, ports: Ports) -> None:
        self.machine = machine
        self._ports = ports
        self._steps: deque[Step] = deque()
        self._woken = asyncio.Event()
        self._calls: set[asyncio.Task[None]] = set()
        self.finished: Finished | None = None

    def put(self, step: Step) -> None:
        """Have the machine told."""
        self._steps.append(step)
        self._woken.set()

    async def run(self, first: list[Action]) -> Finished:
        """Until it is finished. Raises `StoreError`: then nothing more was sent, and a new start goes on."""
        try:
            await self._do(first)
            while self.finished is None:
                await self._wait()
                while self._steps:
                    await self._do(self._steps.popleft()(self._ports.clock.now_ns()))
                await self._do(self.machine.on_time(self._ports.clock.now_ns()))
            return self.finished
        finally:
            for call in self._calls:
                call.cancel()

    async def _wait(self) -> None:
        self._woken.clear()
        if self._steps:
            return
        time_ns = self.machine.next_time_ns
        seconds = None if time_ns is None else max(0, time_ns - self._ports.clock.now_ns()) / _SECOND_NS
        await event_or_time(self._woken, seconds, self._ports.clock)

    async def _do(self, actions: list[Action]) -> None:
        """Records that follow one another are written in one step; nothing after them begins before they are."""
        for action in actions:
            # In the step in which the order may be over: whoever compares accounts sees both or neither.
            if isinstance(action, Write) and isinstance(action.record, FillKnown):
                self._ports.on_fill(action.record.fill)
        records: list[Record] = []
        for action in actions:
            if isinstance(action, Write):
                records.append(action.record)
                continue
            await self._write(records)
            self._begin(action)
        await self._write(records)

    async def _write(self, records: list[Record]) -> None:
        if records:
            await self._ports.journal.append(tuple(records))
            records.clear()

    def _begin(self, action: Action) -> None:
        match action:
            case Submit():
                self._call(self._submit(action))
            case Cancel():
                self._call(self._cancel(action))
            case Query():
                self._call(self._query(action))
            case Finished():
                self.finished = action
            case Fault():
                self._ports.on_fault(action)

    def _call(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _submit(self, action: Submit) -> None:
        name = action.order.client_order_id
        result, why, shuns = await self._sent(action)
        self._ports.metrics.orders.labels(result.value).inc()
        if result is not SubmitResult.SENT:
            _log.warning("order_not_sent", order=name, venue=action.venue, result=result.value, reason=why)
        self.put(lambda now_ns: self.machine.on_submit_result(name, result, now_ns, why=why, shuns=shuns))

    async def _sent(self, action: Submit) -> tuple[SubmitResult, str, bool]:
        ports = self._ports
        while not ports.orders.try_take():
            await ports.clock.sleep(ports.orders.seconds_until())
        # Here, and not when it was decided: between the two there may have been a halt, or the end of its time.
        why = ports.halted() or self.machine.book.halted
        if why is None and ports.clock.now_ns() >= self.machine.stop_ns:
            why = "its time was over before its turn came"
        venue = ports.venues.get(action.venue)
        if why is not None or venue is None:
            return SubmitResult.NOT_SENT, why or f"there is no venue {action.venue}", venue is None
        try:
            await within(ports.call_seconds, ports.clock, venue.submit(action.order, post_only=action.post_only))
        except RateLimitedError as error:
            return SubmitResult.NOT_SENT, str(error), False
        except (InvalidOrderError, AuthenticationError, VenueDownError) as error:
            return SubmitResult.NOT_SENT, str(error), True
        except Exception as error:  # Whatever else a venue does, nobody knows whether it has the order.
            return SubmitResult.UNKNOWN, f"{type(error).__name__}: {error}", False
        return SubmitResult.SENT, "", False

    async def _cancel(self, action: Cancel) -> None:
        venue = self._ports.venues.get(action.venue)
        if venue is None:
            return
        try:
            await within(self._ports.call_seconds, self._ports.clock, venue.cancel(action.client_order_id))
        except Exception as error:  # The machine asks what became of the order, and cancels again.
            _log.warning("cancel_failed", order=action.client_order_id, venue=action.venue, reason=str(error))

    async def _query(self, action: Query) -> None:
        name = action.client_order_id
        venue = self._ports.venues.get(action.venue)
        try:
            if venue is None:
                raise VenueDownError(f"there is no venue {action.venue} any more")
            said = await within(self._ports.call_seconds, self._ports.clock, venue.order(name, action.symbol))
        except Exception as error:  # No answer is no word.
            _log.warning("query_failed", order=name, venue=action.venue, reason=str(error))
            self.put(lambda now_ns: self.machine.on_query_failed(name, now_ns))
        else:
            self.put(lambda now_ns: self.machine.on_venue_order(name, said, now_ns))
