"""A validator's trading desk in the replay: from a decided signal to a settled and reported trade."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from contracts.evm import Reverted
from contracts.settlement import ApprovedTrade as SettledTrade
from contracts.settlement import SettlementChain
from noderr.core.consensus.handover import APPROVAL_TOPIC, PORTFOLIO_TOPIC, PROPOSAL_TOPIC, SIGNAL_TOPIC
from noderr.exchanges.client_order_id import client_order_id
from noderr.exchanges.errors import AccountError, OutcomeUnknownError
from noderr.exchanges.simulated_venue import SimulatedVenue
from noderr.exchanges.updates import Filled
from noderr.execution.actions import Action, Cancel, Fault, Finished, Query, Submit, SubmitResult, Write
from noderr.execution.approval import ApprovedTrade, check_approval
from noderr.execution.book_router import BookRouter
from noderr.execution.bounds import TradeBounds
from noderr.execution.errors import NotApprovedError
from noderr.execution.proposals.policy import TradePolicy
from noderr.execution.proposals.portfolio_of import EquityMarks, portfolio_of
from noderr.execution.proposals.propose import NoTrade
from noderr.execution.proposals.trade_desk import DeskRules, NotApproved, Proposed, TradeDesk
from noderr.execution.trade_machine import TradeMachine
from noderr.market_data.events import MarketEvent
from noderr.types.consensus import CertificateError, sign
from noderr.types.consensus.execution import Execution, ExecutionReport
from noderr.types.consensus.on_wire import certificate_from_wire
from noderr.types.consensus.signal_decision import SignalDecision, signal_decision_from_wire
from noderr.types.consensus.trade_proposal import TradeProposal, trade_proposal_to_wire
from noderr.types.tier_numbers import GUARDIAN_TIER, ORACLE_TIER, VALIDATOR_TIER
from noderr.types.trading.portfolio import Portfolio, Reference
from noderr.types.trading.portfolio_on_wire import portfolio_to_wire
from noderr.types.wire import consensus_pb2
from noderr.validator_consensus.checks import ExecutionEvidence
from noderr.validator_consensus.parts import REPORT_TOPIC
from noderr.validator_consensus.request import AttestationRequest, request_to_wire
from tests.loop.journal import ReplayJournal
from tests.loop.links import Links
from tests.loop.membership import EPOCH, Member, Network
from tests.loop.slots import Slots
from tests.loop.validator import Validator

_SECOND_NS = 1_000_000_000
# Validators compare a fill with the prices until two seconds after it.
_BAND_NS = 2_100_000_000


@dataclass
class Trade:
    """One trade under way."""

    proposal: TradeProposal
    approved: ApprovedTrade | None = None
    machine: TradeMachine | None = None
    execution: Execution | None = None
    wakes: set[int] = field(default_factory=set)


@dataclass(frozen=True, kw_only=True)
class DeskTerms:
    """What its operator decides. `currency` is what the account counts in, `symbols` what it trades."""

    policy: TradePolicy
    ruleset: bytes
    currency: str
    symbols: Sequence[str]
    bounds: TradeBounds = field(default_factory=TradeBounds)


class Trader:
    """Rides on a validator: its market is what the venue matches against."""

    def __init__(
        self,
        member: Member,
        validator: Validator,
        network: Network,
        venue: SimulatedVenue,
        terms: DeskTerms,
        *,
        chain: SettlementChain,
        guardian_slots: Slots,
        validator_slots: Slots,
        links: Links,
        journal: ReplayJournal,
    ) -> None:
        self.name = member.name
        self.venue = venue
        self.trades: dict[bytes, Trade] = {}
        self._key = member.key
        self._validator = validator
        self._network = network
        self._terms = terms
        self._chain = chain
        self._validator_slots = validator_slots
        self._links = links
        self._clock = links.timeline
        self._journal = journal
        self._marks: EquityMarks | None = None
        listings = {symbol: venue.listings[symbol] for symbol in terms.symbols}
        by_venue = {venue.name: listings}
        self._router = BookRouter(lambda: validator.books, by_venue, self._clock.monotonic)
        self._closing = BookRouter(lambda: validator.books, by_venue, self._clock.monotonic, math.inf)
        self._desk = TradeDesk(
            DeskRules(
                domain=network.domain,
                voters={tier: network.voters(tier) for tier in (ORACLE_TIER, GUARDIAN_TIER)},
                executor=member.key.address,
                executors=network.voters(VALIDATOR_TIER).voters,
                policy=terms.policy,
                ruleset=terms.ruleset,
                instruments={symbol: listing.instrument for symbol, listing in listings.items()},
                guardian_round=guardian_slots.at,
            )
        )
        self._venue_wakes: set[int] = set()
        validator.followers.append(self._on_market)
        links.on(self.name, SIGNAL_TOPIC, self._on_signal)
        links.on(self.name, APPROVAL_TOPIC, self._on_approval)

    def references(self) -> dict[str, Reference]:
        """The mid prices of what is traded, where the book is known."""
        return self._router.references()

    def last_prices(self) -> dict[str, Decimal]:
        """The same however old: what everything is worth at the end."""
        return {symbol: one.price for symbol, one in self._closing.references().items()}

    def portfolio(self) -> Portfolio | None:
        """None while something that is held has no price."""
        try:
            portfolio, self._marks = portfolio_of(
                [self.venue.account],
                self.venue.open_orders(),
                self.references(),
                currency=self._terms.currency,
                marks=self._marks,
                now_ns=self._clock.now_ns(),
            )
        except AccountError as error:
            self._refuse("no-portfolio", str(error))
            return None
        return portfolio

    def _on_signal(self, _sender: str, content: bytes) -> None:
        now_ns, decision = self._clock.now_ns(), signal_decision_from_wire(content)
        try:
            found = self._desk.on_signal(decision, self.portfolio, now_ns)
        except CertificateError as error:
            self._refuse(error.reason, str(error))
            return
        match found:
            case NoTrade(reason):
                self._journal.add(now_ns, self.name, "no-trade", round=decision.certificate.round, reason=reason)
            case Proposed(proposal, portfolio):
                self._propose(decision, proposal, portfolio)

    def _propose(self, decision: SignalDecision, proposal: TradeProposal, portfolio: Portfolio) -> None:
        order = proposal.order
        self.trades[proposal.id] = Trade(proposal)
        self._journal.add(
            self._clock.now_ns(),
            self.name,
            "proposed",
            trade=proposal.id,
            signal_round=decision.certificate.round,
            symbol=order.symbol,
            side=order.side.value,
            quantity=order.quantity,
            limit_price=order.limit_price,
            equity=portfolio.equity,
        )
        guardians = [guardian.name for guardian in self._network.guardians]
        # One link keeps its order: a guardian has the portfolio before it has to judge.
        self._links.send_all(self.name, guardians, PORTFOLIO_TOPIC, portfolio_to_wire(portfolio).SerializeToString())
        content = trade_proposal_to_wire(proposal).SerializeToString()
        self._links.send_all(self.name, guardians, PROPOSAL_TOPIC, content)

    def _on_approval(self, _sender: str, content: bytes) -> None:
        now_ns = self._clock.now_ns()
        certificate = certificate_from_wire(consensus_pb2.Certificate.FromString(content))
        try:
            found = self._desk.on_approval(certificate, now_ns)
        except CertificateError as error:
            self._refuse(error.reason, str(error))
            return
        match found:
            case NotApproved(proposal, choice):
                self._journal.add(now_ns, self.name, "not-approved", trade=proposal.id, choice=choice.name)
            case ApprovedTrade():
                self.execute(found)

    def execute(self, approved: ApprovedTrade) -> None:
        """What both certificates approve, and nothing else."""
        now_ns, proposal = self._clock.now_ns(), approved.proposal
        try:
            mandate = check_approval(approved, self._desk.rules.approval, now_ns=now_ns)
        except NotApprovedError as error:
            self._refuse(error.ground, str(error))
            return
        trade = self.trades[proposal.id]
        if trade.machine is not None:
            return  # As a node's engine: a trade's id is used up.
        trade.approved = approved
        assert approved.guardian_certificate is not None, "checked"
        signers = len(approved.guardian_certificate.signatures)
        self._journal.add(now_ns, self.name, "approved", trade=proposal.id, signers=signers)
        trade.machine = TradeMachine.of(mandate, self._router.allot, client_order_id, self._terms.bounds, now_ns=now_ns)
        self._do(trade, trade.machine.start())

    def _refuse(self, reason: str, detail: str) -> None:
        self._journal.add(self._clock.now_ns(), self.name, "refused", reason=reason, detail=detail)

    def _do(self, trade: Trade, actions: Sequence[Action]) -> None:
        machine = trade.machine
        assert machine is not None, "actions come from a machine"
        for action in actions:
            now_ns = self._clock.now_ns()
            match action:
                case Write():
                    pass  # A replay is not restarted; the node's journal has its own tests.
                case Submit(order=order, post_only=post_only):
                    self._journal.add(
                        now_ns,
                        self.name,
                        "order",
                        trade=trade.proposal.id,
                        order=order.client_order_id,
                        side=order.side.value,
                        symbol=order.symbol,
                        quantity=order.quantity,
                        limit_price=order.limit_price,
                    )
                    self.venue.submit(order, now_ns, post_only)
                    self._do(trade, machine.on_submit_result(order.client_order_id, SubmitResult.SENT, now_ns))
                case Cancel(client_order_id=order_id):
                    self.venue.cancel(order_id, now_ns)
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
            return machine.on_venue_order(order_id, self.venue.order(order_id), now_ns, is_certain=True)
        except OutcomeUnknownError:
            return machine.on_query_failed(order_id, now_ns)

    def _on_time(self, trade: Trade) -> None:
        if trade.machine is not None:
            self._do(trade, trade.machine.on_time(self._clock.now_ns()))

    def _on_market(self, event: MarketEvent) -> None:
        self.venue.on_market(event, self._clock.now_ns())
        self._wake_venue()

    def _wake_venue(self) -> None:
        due_ns = self.venue.next_time_ns
        if due_ns is not None and due_ns not in self._venue_wakes:
            self._venue_wakes.add(due_ns)
            self._clock.at(due_ns, self._on_venue_time)

    def _on_venue_time(self) -> None:
        now_ns = self._clock.now_ns()
        for update in self.venue.on_time(now_ns):
            if isinstance(update, Filled):
                fill = update.fill
                self._journal.add(
                    now_ns,
                    self.name,
                    "fill",
                    order=fill.client_order_id,
                    price=fill.price,
                    quantity=fill.quantity,
                    fee=fill.fee.amount,
                    traded_ns=fill.at_ns,
                )
            for trade in self.trades.values():
                if trade.machine is not None and update.client_order_id in trade.machine.book.children:
                    self._do(trade, trade.machine.on_update(update, now_ns))
        self._wake_venue()

    def _finish(self, trade: Trade, finished: Finished) -> None:
        now_ns = self._clock.now_ns()
        self._journal.add(
            now_ns,
            self.name,
            "finished",
            trade=trade.proposal.id,
            reason=finished.reason,
            filled=sum((fill.quantity for fill in finished.fills), Decimal(0)),
        )
        approved = trade.approved
        if not finished.fills or trade.machine is None or approved is None:
            return
        trade.execution = trade.machine.mandate.execution(self._key.address, finished.fills)
        assert approved.oracle_certificate is not None
        assert approved.guardian_certificate is not None
        settled = SettledTrade(
            oracles=approved.oracle_certificate,
            guardians=approved.guardian_certificate,
            proposal=trade.proposal,
            execution=trade.execution,
        )
        try:
            receipt = self._chain.settle(self._key, settled, now_ns // _SECOND_NS)
        except Reverted as error:  # A venue that was so late that the certificates are over: nobody attests that.
            self._journal.add(now_ns, self.name, "not-settled", trade=trade.proposal.id, reason=str(error))
            return
        self._journal.add(now_ns, self.name, "settled", trade=trade.proposal.id, transaction=receipt.transaction)
        due_ns = trade.execution.executed_at_ns + _BAND_NS
        self._clock.at(due_ns, partial(self._report, trade, receipt.transaction))

    def _report(self, trade: Trade, transaction: bytes) -> None:
        approved = trade.approved
        assert trade.execution is not None
        assert approved is not None
        report = ExecutionReport(
            epoch=EPOCH,
            round=self._validator_slots.at(self._clock.now_ns()),
            execution=trade.execution,
            settlement_transaction=transaction,
        )
        evidence = ExecutionEvidence(
            proposal=approved.proposal,
            agreed_signal=approved.agreed_signal,
            oracle_certificate=approved.oracle_certificate,
            guardian_certificate=approved.guardian_certificate,
        )
        content = request_to_wire(AttestationRequest(sign(report, self._key, self._network.domain), evidence))
        others = [validator.name for validator in self._network.validators]
        self._links.send_all(self.name, others, REPORT_TOPIC, content)
        self._validator.on_report(self.name, content)
