"""The engine of a replay: sees approved trades through at the simulated venue, as a node's does at those it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from noderr.exchanges.client_order_id import client_order_id
from noderr.exchanges.errors import OutcomeUnknownError
from noderr.exchanges.simulated_venue import SimulatedVenue
from noderr.exchanges.updates import Filled
from noderr.execution.actions import Action, Cancel, Fault, Finished, Query, Submit, SubmitResult, Write
from noderr.execution.allotment import Allot
from noderr.execution.approval import ApprovalRules, ApprovedTrade, check_approval
from noderr.execution.bounds import TradeBounds
from noderr.execution.errors import NotApprovedError
from noderr.execution.trade_machine import TradeMachine
from noderr.market_data.events import MarketEvent
from noderr.types.consensus.execution import Execution
from noderr.types.trading import Order
from tests.loop.journal import ReplayJournal
from tests.loop.timeline import Timeline


@dataclass
class Trade:
    """Under way, or over. `wakes` are the times at which its machine is told the time."""

    approved: ApprovedTrade
    machine: TradeMachine
    wakes: set[int] = field(default_factory=set)


class Engine:
    """`settle` gets each trade that came to fills, once it is finished."""

    def __init__(
        self,
        name: str,
        venue: SimulatedVenue,
        allot: Allot,
        rules: ApprovalRules,
        bounds: TradeBounds,
        *,
        settle: Callable[[ApprovedTrade, Execution], None],
        clock: Timeline,
        journal: ReplayJournal,
    ) -> None:
        self.trades: dict[bytes, Trade] = {}
        self._name = name
        self._venue = venue
        self._allot = allot
        self._rules = rules
        self._bounds = bounds
        self._settle = settle
        self._clock = clock
        self._journal = journal
        self._venue_wakes: set[int] = set()

    def execute(self, approved: ApprovedTrade) -> None:
        """What both certificates approve, and nothing else."""
        now_ns, trade_id = self._clock.now_ns(), approved.proposal.id
        try:
            mandate = check_approval(approved, self._rules, now_ns=now_ns)
        except NotApprovedError as error:
            self._journal.add(now_ns, self._name, "refused", reason=error.ground, detail=str(error))
            return
        if trade_id in self.trades:
            return  # As a node's engine: a trade's id is used up.
        assert approved.guardian_certificate is not None, "checked"
        signers = len(approved.guardian_certificate.signatures)
        self._journal.add(now_ns, self._name, "approved", trade=trade_id, signers=signers)
        machine = TradeMachine.of(mandate, self._allot, client_order_id, self._bounds, now_ns=now_ns)
        trade = self.trades[trade_id] = Trade(approved, machine)
        self._do(trade, machine.start())

    def on_market(self, event: MarketEvent) -> None:
        """What the venue's orders meet."""
        self._venue.on_market(event, self._clock.now_ns())
        self._wake_venue()

    def _do(self, trade: Trade, actions: Sequence[Action]) -> None:
        machine = trade.machine
        for action in actions:
            now_ns = self._clock.now_ns()
            match action:
                case Write():
                    pass  # A replay is not restarted; the node's journal has its own tests.
                case Submit(order=order, post_only=post_only):
                    self._note_order(trade, order)
                    self._venue.submit(order, now_ns, post_only)
                    self._do(trade, machine.on_submit_result(order.client_order_id, SubmitResult.SENT, now_ns))
                case Cancel(client_order_id=order_id):
                    self._venue.cancel(order_id, now_ns)
                case Query(client_order_id=order_id):
                    self._do(trade, self._ask(machine, order_id, now_ns))
                case Finished():
                    self._finish(trade, action)
                case Fault():
                    raise AssertionError(f"{action}: the venue of a replay keeps its word")
        self._wake_venue()
        due_ns = machine.next_time_ns
        if due_ns is not None and due_ns not in trade.wakes:
            trade.wakes.add(due_ns)
            self._clock.at(due_ns, partial(self._on_time, trade))

    def _ask(self, machine: TradeMachine, order_id: str, now_ns: int) -> list[Action]:
        try:
            return machine.on_venue_order(order_id, self._venue.order(order_id), now_ns, is_certain=True)
        except OutcomeUnknownError:
            return machine.on_query_failed(order_id, now_ns)

    def _on_time(self, trade: Trade) -> None:
        self._do(trade, trade.machine.on_time(self._clock.now_ns()))

    def _wake_venue(self) -> None:
        due_ns = self._venue.next_time_ns
        if due_ns is not None and due_ns not in self._venue_wakes:
            self._venue_wakes.add(due_ns)
            self._clock.at(due_ns, self._on_venue_time)

    def _on_venue_time(self) -> None:
        now_ns = self._clock.now_ns()
        for update in self._venue.on_time(now_ns):
            if isinstance(update, Filled):
                self._note_fill(update)
            for trade in self.trades.values():
                if update.client_order_id in trade.machine.book.children:
                    self._do(trade, trade.machine.on_update(update, now_ns))
        self._wake_venue()

    def _finish(self, trade: Trade, finished: Finished) -> None:
        self._journal.add(
            self._clock.now_ns(),
            self._name,
            "finished",
            trade=finished.trade_id,
            reason=finished.reason,
            filled=sum((fill.quantity for fill in finished.fills), Decimal(0)),
        )
        if finished.fills:
            self._settle(trade.approved, trade.machine.mandate.execution(self._rules.executor, finished.fills))

    def _note_order(self, trade: Trade, order: Order) -> None:
        self._journal.add(
            self._clock.now_ns(),
            self._name,
            "order",
            trade=trade.approved.proposal.id,
            order=order.client_order_id,
            side=order.side.value,
            symbol=order.symbol,
            quantity=order.quantity,
            limit_price=order.limit_price,
        )

    def _note_fill(self, update: Filled) -> None:
        fill = update.fill
        self._journal.add(
            self._clock.now_ns(),
            self._name,
            "fill",
            order=fill.client_order_id,
            price=fill.price,
            quantity=fill.quantity,
            fee=fill.fee.amount,
            traded_ns=fill.at_ns,
        )
