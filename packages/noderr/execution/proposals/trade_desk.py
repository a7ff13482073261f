"""A validator's desk: signals in, proposals out; certificates in, approved trades out. No I/O.

What it waits for is in memory only: a desk that was killed between proposal and approval has sent no order, and sends
none for that signal any more.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from noderr.execution.approval import ApprovalRules, ApprovedTrade
from noderr.execution.proposals.policy import TradePolicy
from noderr.execution.proposals.propose import NoTrade, ProposalTerms, propose
from noderr.types.consensus import (
    Certificate,
    CertificateError,
    Choice,
    Reason,
    Signatures,
    VoterSet,
    verify_certificate,
)
from noderr.types.consensus.signal_decision import SignalDecision
from noderr.types.consensus.trade_proposal import TradeProposal
from noderr.types.eip712 import Domain
from noderr.types.tier_numbers import GUARDIAN_TIER, ORACLE_TIER
from noderr.types.trading import Instrument
from noderr.types.trading.portfolio import Portfolio

_SECOND_NS = 1_000_000_000
_MOST_WAITING = 64
_MOST_SEEN = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskRules:
    """`voters` of each tier in this epoch; `executors` may execute, and `executor` is this node.

    `guardian_round` says which slot of the guardians it is at a time in ns.
    """

    domain: Domain
    voters: Mapping[int, VoterSet]
    executor: bytes
    executors: Collection[bytes]
    policy: TradePolicy
    ruleset: bytes
    instruments: Mapping[str, Instrument]
    guardian_round: Callable[[int], int]
    signatures: Signatures | None = None

    @property
    def approval(self) -> ApprovalRules:
        """By which an approved trade is checked before it is executed."""
        return ApprovalRules(
            voters={(tier, voters.epoch): voters for tier, voters in self.voters.items()},
            domain=self.domain,
            executor=self.executor,
            executors=self.executors,
            signatures=self.signatures,
        )


@dataclass(frozen=True, slots=True)
class Proposed:
    """Guardians get the portfolio first, and then the proposal that is to be judged on it."""

    proposal: TradeProposal
    portfolio: Portfolio


@dataclass(frozen=True, slots=True)
class NotApproved:
    """The guardians decided otherwise."""

    proposal: TradeProposal
    choice: Choice


class TradeDesk:
    """One executor's. Every oracle tells of each decision, and every guardian: the first counts."""

    def __init__(self, rules: DeskRules) -> None:
        self.rules = rules
        self._seen: OrderedDict[tuple[int, int, bytes], None] = OrderedDict()
        self._waiting: OrderedDict[bytes, tuple[SignalDecision, TradeProposal]] = OrderedDict()

    def knows(self, decision: SignalDecision) -> bool:
        """Whether one of this market and round was looked at already."""
        certificate = decision.certificate
        return (certificate.epoch, certificate.round, certificate.topic) in self._seen

    def on_signal(
        self, decision: SignalDecision, portfolio: Callable[[], Portfolio | None], now_ns: int
    ) -> Proposed | NoTrade | None:
        """None for a decision that is known already. `portfolio` is asked when it is needed, and None if there is none.

        Raises `CertificateError` for a decision that proves nothing now.
        """
        self._forget(now_ns)
        certificate, agreed = decision.certificate, decision.agreed_signal
        if self.knows(decision):
            return None
        self._prove(certificate, ORACLE_TIER, now_ns)
        if certificate.choice is not Choice.APPROVE or certificate.subject != agreed.digest:
            raise CertificateError(Reason.WRONG_SUBJECT, "the oracles' certificate is about another signal")
        self._seen[certificate.epoch, certificate.round, certificate.topic] = None
        while len(self._seen) > _MOST_SEEN:
            self._seen.popitem(last=False)
        found = self._follow(decision, portfolio, now_ns)
        if isinstance(found, Proposed):
            self._waiting[found.proposal.id] = (decision, found.proposal)
        return found

    def _follow(
        self, decision: SignalDecision, portfolio: Callable[[], Portfolio | None], now_ns: int
    ) -> Proposed | NoTrade:
        signal = decision.agreed_signal.signal
        if signal is None:
            return NoTrade("the oracles agreed that there is no signal")
        instrument = self.rules.instruments.get(signal.symbol)
        if instrument is None:
            return NoTrade(f"{signal.symbol} is not traded here")
        if len(self._waiting) >= _MOST_WAITING:
            return NoTrade(f"{len(self._waiting)} proposals wait for the guardians")
        held = portfolio()
        if held is None:
            return NoTrade("what the account holds has no price now")
        found = propose(decision, held, self._terms(instrument, now_ns), now_ns)
        return found if isinstance(found, NoTrade) else Proposed(found, held)

    def on_approval(self, certificate: Certificate, now_ns: int) -> ApprovedTrade | NotApproved | None:
        """What to execute, once; None for what nothing here waits for. It is checked again before it is executed.

        Raises `CertificateError` for a certificate that proves nothing now, and goes on waiting.
        """
        self._forget(now_ns)
        waiting = self._waiting.get(certificate.topic)
        if waiting is None:
            return None
        decision, proposal = waiting
        self._prove(certificate, GUARDIAN_TIER, now_ns)
        if certificate.subject != proposal.digest:
            raise CertificateError(Reason.WRONG_SUBJECT, "the guardians' certificate is about another proposal")
        del self._waiting[certificate.topic]
        if certificate.choice is not Choice.APPROVE:
            return NotApproved(proposal, Choice(certificate.choice))
        return ApprovedTrade(
            proposal=proposal,
            agreed_signal=decision.agreed_signal,
            oracle_certificate=decision.certificate,
            guardian_certificate=certificate,
        )

    def _terms(self, instrument: Instrument, now_ns: int) -> ProposalTerms:
        rules = self.rules
        return ProposalTerms(
            instrument=instrument,
            policy=rules.policy,
            epoch=rules.voters[GUARDIAN_TIER].epoch,
            round=rules.guardian_round(now_ns),
            ruleset=rules.ruleset,
            executor=rules.executor,
        )

    def _prove(self, certificate: Certificate, tier: int, now_ns: int) -> None:
        verify_certificate(
            certificate,
            self.rules.voters[tier],
            self.rules.domain,
            now_s=now_ns // _SECOND_NS,
            signatures=self.rules.signatures,
        )

    def _forget(self, now_ns: int) -> None:
        """Proposals that nobody may approve any more."""
        over = [key for key, (_, one) in self._waiting.items() if one.expires_at_s * _SECOND_NS <= now_ns]
        for key in over:
            del self._waiting[key]
