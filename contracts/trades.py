"""One trade from the oracles to its execution, signed for one chain by the same voters of each tier; easy to spoil."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from contracts.deployment import account_keys, certificate_of
from contracts.evm import NOW_S, Reverted
from contracts.settlement import ApprovedTrade, SettlementChain, deploy_settlement, settle_arguments
from noderr.types.consensus import Certificate, Choice, Vote, VoterSet
from noderr.types.consensus.certificate_reference import CertificateReference
from noderr.types.consensus.execution import Execution
from noderr.types.consensus.trade_proposal import SignalReference, TradeProposal
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import AccountKey
from noderr.validator_consensus.execution_testing import FILL, ORDER, SECOND_FILL

KEYS = account_keys(4)
EXECUTOR = KEYS[0]
TRADE = b"\3" * 32
EXPIRES_S = NOW_S + 60
EPOCHS = {3: 8, 2: 9, 1: 7}
_ROUNDS = {3: 3, 2: 5}


def voters(tier: int, keys: Sequence[AccountKey] = KEYS, epoch: int | None = None) -> VoterSet:
    """Of equal weight."""
    return VoterSet(tier, EPOCHS[tier] if epoch is None else epoch, {key.address: 10 for key in keys})


def trading_chain(keys: Sequence[AccountKey] = KEYS) -> SettlementChain:
    """Where these keys vote in all three tiers."""
    return deploy_settlement([voters(tier, keys) for tier in EPOCHS], now_s=NOW_S)


def text(address: bytes) -> str:
    """As errors have it."""
    return f"0x{address.hex()}"


def refused(chain: SettlementChain, trade: ApprovedTrade, sender: AccountKey = EXECUTOR) -> tuple[Any, ...]:
    """The settlement contract's error, and that nothing is settled by it."""
    return call_refused(chain, *settle_arguments(trade), sender=sender)


def call_refused(chain: SettlementChain, *arguments: Any, sender: AccountKey = EXECUTOR) -> tuple[Any, ...]:
    """The same of any arguments."""
    before = chain.contract.read("executionOf", TRADE)
    try:
        chain.contract.send(sender.address, "settle", *arguments)
    except Reverted as reverted:
        assert chain.contract.read("executionOf", TRADE) == before
        return (reverted.name, *reverted.arguments)
    raise AssertionError("it settled")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Story:
    """What happened. Later parts follow from the earlier ones, so that one lie can be told with all else true.

    The changes are of the oracles' and of the guardians' votes, of the proposal and of the execution.
    """

    domain: Domain
    executor: AccountKey = EXECUTOR
    oracle_signers: Sequence[AccountKey] = tuple(KEYS[:3])
    guardian_signers: Sequence[AccountKey] = tuple(KEYS[:3])
    oracles: dict[str, Any] = dataclasses.field(default_factory=dict)
    guardians: dict[str, Any] = dataclasses.field(default_factory=dict)
    proposal: dict[str, Any] = dataclasses.field(default_factory=dict)
    execution: dict[str, Any] = dataclasses.field(default_factory=dict)

    def trade(self) -> ApprovedTrade:
        oracles = self._certificate(3, self.oracle_signers, {"topic": b"\1" * 32, "subject": b"\2" * 32} | self.oracles)
        signal = SignalReference(
            epoch=oracles.epoch, round=oracles.round, topic=oracles.topic, agreed_signal=oracles.subject
        )
        fields: dict[str, Any] = {
            "id": TRADE,
            "epoch": EPOCHS[2],
            "round": _ROUNDS[2],
            "order": ORDER,
            "signal": signal,
            "snapshot": b"\4" * 32,
            "ruleset": b"\5" * 32,
            "expires_at_s": EXPIRES_S,
        }
        proposal = TradeProposal(**(fields | self.proposal))
        said = {"topic": proposal.id, "subject": proposal.digest} | self.guardians
        guardians = self._certificate(2, self.guardian_signers, said)
        fields = {
            "trade_id": TRADE,
            "executor": self.executor.address,
            "proposal": guardians.subject,
            "oracles": CertificateReference.of(oracles),
            "guardians": CertificateReference.of(guardians),
            "order": ORDER,
            "fills": (FILL, SECOND_FILL),
        }
        execution = Execution(**(fields | self.execution))
        return ApprovedTrade(oracles=oracles, guardians=guardians, proposal=proposal, execution=execution)

    def _certificate(self, tier: int, signers: Sequence[AccountKey], changes: dict[str, Any]) -> Certificate:
        fields: dict[str, Any] = {
            "tier": tier,
            "epoch": EPOCHS[tier],
            "round": _ROUNDS[tier],
            "choice": Choice.APPROVE,
            "expires_at_s": EXPIRES_S,
        }
        return certificate_of(signers, Vote(**(fields | changes)), self.domain)
