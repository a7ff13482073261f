"""The settlement contract's edge: a trade as it takes it, and a chain of its own on which trades are settled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.artifact import load_artifact
from contracts.deployment import ADMIN, CHAIN_ID, Deployment, deploy
from contracts.evm import Contract, SignedReceipt
from contracts.verdicts import CertificateTuple, certificate_tuple
from noderr.types.consensus import Certificate, VoterSet
from noderr.types.consensus.execution import EXECUTION_TYPE, Execution
from noderr.types.consensus.trade_proposal import TradeProposal
from noderr.types.eip712 import Domain, StructType, parse_struct_type
from noderr.types.keccak import keccak256
from noderr.types.signing.account_key import AccountKey
from noderr.validator_consensus.settlement import SettlementLog, SettlementReceipt

CONTRACT = "TradeSettlement"

type PartsTuple = tuple[bytes, bytes, bytes, bytes, int]
type SettleArguments = tuple[CertificateTuple, CertificateTuple, bytes, bytes, PartsTuple]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedTrade:
    """What is settled: an execution, the proposal that it follows from, and the two certificates behind both."""

    oracles: Certificate
    guardians: Certificate
    proposal: TradeProposal
    execution: Execution


def settle_arguments(trade: ApprovedTrade) -> SettleArguments:
    """The arguments of the contract's `settle`."""
    proposal, execution = trade.proposal, trade.execution
    struct: Mapping[str, Any] = execution.struct()
    fills = b"".join(_FILL_TYPE.hash_struct(fill) for fill in struct["fills"])
    parts = (
        _ORDER_TYPE.hash_struct(struct["order"]),
        keccak256(fills),
        proposal.snapshot,
        proposal.ruleset,
        proposal.expires_at_s,
    )
    oracles, guardians = certificate_tuple(trade.oracles), certificate_tuple(trade.guardians)
    return oracles, guardians, execution.trade_id, execution.digest, parts


def settle_call(trade: ApprovedTrade) -> bytes:
    """The data of the transaction that the executor sends to the settlement contract."""
    return load_artifact(CONTRACT).call("settle", *settle_arguments(trade))


@dataclass(frozen=True)
class SettlementChain:
    """A chain with all three contracts, which never reorganises: what is on it is final.

    The same voters, times and trades give the same addresses, transactions and receipts in every process.
    """

    deployment: Deployment
    contract: Contract
    _receipts: dict[bytes, SettlementReceipt] = field(default_factory=dict)

    @property
    def address(self) -> bytes:
        """The settlement contract's."""
        return self.contract.address

    @property
    def domain(self) -> Domain:
        """What the votes of all tiers are signed for to count here."""
        return self.deployment.domain

    def settle(self, executor: AccountKey, trade: ApprovedTrade, at_s: int) -> SettlementReceipt:
        """Send the executor's transaction at that time, Unix seconds. Raises `Reverted`, and then nothing is sent."""
        self.deployment.evm.now_s = at_s
        receipt = _receipt(self.address, self.deployment.evm.transact(executor, self.address, settle_call(trade)))
        self._receipts[receipt.transaction] = receipt
        return receipt

    async def receipt(self, transaction: bytes) -> SettlementReceipt | None:
        """See `ReceiptReader`."""
        return self._receipts.get(transaction)


def deploy_settlement(voters: Iterable[VoterSet], *, now_s: int, chain_id: int = CHAIN_ID) -> SettlementChain:
    """The three contracts, and the current epoch of each tier, published at `now_s`, Unix seconds."""
    deployment = deploy(chain_id, now_s)
    contract = deployment.evm.deploy(CONTRACT, deployment.verifier.address, sender=ADMIN)
    for one in voters:
        deployment.publish(one)
    return SettlementChain(deployment, contract)


def _receipt(to: bytes, done: SignedReceipt) -> SettlementReceipt:
    logs = tuple(SettlementLog(log.contract, log.topics) for log in done.logs)
    return SettlementReceipt(transaction=done.transaction, succeeded=True, to=to, finalised=True, logs=logs)


def _type_in(outer: StructType, name: str) -> StructType:
    """A struct that another one refers to, and that refers to none itself."""
    members = outer.encoded.partition(f"{name}(")[2].partition(")")[0]
    return parse_struct_type(f"{name}({members})")


_ORDER_TYPE = _type_in(EXECUTION_TYPE, "Order")
_FILL_TYPE = _type_in(EXECUTION_TYPE, "Fill")
