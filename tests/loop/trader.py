"""A validator's trading desk in the replay: from a signal to its proposal, and from an approval to the engine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from contracts.settlement import SettlementChain
from noderr.core.consensus.handover import APPROVAL_TOPIC, PORTFOLIO_TOPIC, PROPOSAL_TOPIC, SIGNAL_TOPIC
from noderr.exchanges.errors import AccountError
from noderr.exchanges.simulated_venue import SimulatedVenue
from noderr.execution.approval import ApprovedTrade
from noderr.execution.book_router import BookRouter
from noderr.execution.bounds import TradeBounds
from noderr.execution.proposals.policy import TradePolicy
from noderr.execution.proposals.portfolio_of import EquityMarks, portfolio_of
from noderr.execution.proposals.propose import NoTrade
from noderr.execution.proposals.trade_desk import DeskRules, NotApproved, Proposed, TradeDesk
from noderr.types.consensus import CertificateError, sign
from noderr.types.consensus.on_wire import certificate_from_wire
from noderr.types.consensus.proposal_request import ProposalRequest, proposal_request_to_wire
from noderr.types.consensus.signal_decision import SignalDecision, signal_decision_from_wire
from noderr.types.consensus.trade_proposal import TradeProposal
from noderr.types.tier_numbers import GUARDIAN_TIER, ORACLE_TIER, VALIDATOR_TIER
from noderr.types.trading.portfolio import Portfolio
from noderr.types.trading.portfolio_on_wire import portfolio_to_wire
from noderr.types.wire import consensus_pb2
from tests.loop.engine import Engine
from tests.loop.journal import ReplayJournal
from tests.loop.links import Links
from tests.loop.membership import Member, Network
from tests.loop.settlement import Settlement
from tests.loop.slots import Slots
from tests.loop.validator import Validator


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
        self._key = member.key
        self._network = network
        self._terms = terms
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
        settlement = Settlement(
            member, validator, network, chain=chain, slots=validator_slots, links=links, journal=journal
        )
        self.engine = Engine(
            self.name,
            venue,
            self._router.allot,
            self._desk.rules.approval,
            terms.bounds,
            settle=settlement.settle,
            clock=self._clock,
            journal=journal,
        )
        validator.followers.append(self.engine.on_market)
        links.on(self.name, SIGNAL_TOPIC, self._on_signal)
        links.on(self.name, APPROVAL_TOPIC, self._on_approval)

    def last_prices(self) -> dict[str, Decimal]:
        """Of what is traded, however old: what everything is worth at the end."""
        return {symbol: one.price for symbol, one in self._closing.references().items()}

    def portfolio(self) -> Portfolio | None:
        """None while something that is held has no price."""
        try:
            portfolio, self._marks = portfolio_of(
                [self.venue.account],
                self.venue.open_orders(),
                self._router.references(),
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
        request = ProposalRequest(proposal=proposal, decision=decision)
        content = proposal_request_to_wire(sign(request, self._key, self._network.domain))
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
                self.engine.execute(found)

    def _refuse(self, reason: str, detail: str) -> None:
        self._journal.add(self._clock.now_ns(), self.name, "refused", reason=reason, detail=detail)
