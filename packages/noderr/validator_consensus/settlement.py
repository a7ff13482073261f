"""The fourth check: did the settlement contract log just this execution, in a transaction that stays?

The contract emits `Settled(bytes32 indexed tradeId, bytes32 indexed execution)`; the second is the execution's digest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from noderr.types.consensus.execution import ExecutionReport
from noderr.types.keccak import keccak256
from noderr.types.signing.account_key import checksum_address
from noderr.validator_consensus.checks import (
    PASSED,
    CheckBit,
    CheckResult,
    ExecutionEvidence,
    failed,
    insufficient,
)

SETTLED_TOPIC = keccak256(b"Settled(bytes32,bytes32)")


@dataclass(frozen=True, slots=True)
class SettlementLog:
    """An event: the address of the contract that emitted it, and its topics of 32 bytes."""

    contract: bytes
    topics: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementReceipt:
    """What the chain says of a transaction. `finalised`: the chain's rules say that its block stays."""

    transaction: bytes
    succeeded: bool
    to: bytes | None
    finalised: bool
    logs: tuple[SettlementLog, ...]


class ReceiptReader(Protocol):
    """A chain's receipts, read from this validator's own node."""

    async def receipt(self, transaction: bytes) -> SettlementReceipt | None:
        """None while the chain does not know the transaction. May raise any `Exception`."""


class SettlementCheck:
    """`contract` is the settlement contract's address."""

    name = "settlement"
    bit = CheckBit.SETTLEMENT

    def __init__(self, receipts: ReceiptReader, contract: bytes) -> None:
        self._receipts = receipts
        self._contract = contract

    async def evaluate(self, report: ExecutionReport, evidence: ExecutionEvidence) -> CheckResult:
        transaction = report.settlement_transaction
        if transaction is None:
            return insufficient("it is not settled")
        receipt = await self._receipts.receipt(transaction)
        if receipt is None or receipt.transaction != transaction:
            return insufficient(f"transaction 0x{transaction.hex()} is not on the chain")
        if not receipt.finalised:
            # Even a failure may be another one after a reorganisation.
            return insufficient(f"transaction 0x{transaction.hex()} is not final")
        wrong = self._wrong(report, receipt)
        return PASSED if wrong is None else failed(wrong)

    def _wrong(self, report: ExecutionReport, receipt: SettlementReceipt) -> str | None:
        if not receipt.succeeded:
            return "the settlement was reverted"
        contract = checksum_address(self._contract)
        if receipt.to != self._contract:
            return f"the transaction did not go to the settlement contract, {contract}"
        settled = (SETTLED_TOPIC, report.execution.trade_id, report.execution.digest)
        if SettlementLog(self._contract, settled) not in receipt.logs:
            return f"the settlement contract {contract} did not log this execution"
        return None
