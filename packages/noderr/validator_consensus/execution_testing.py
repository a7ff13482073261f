"""One trade from the oracles to its settlement, for tests: whole, signed by real keys, and easy to spoil."""

from __future__ import annotations

import copy
import dataclasses
from decimal import Decimal
from typing import Any

from noderr.core.consensus.testing import NOW_NS, SECOND_NS
from noderr.core.consensus.trade_testing import (
    EXPIRES_S,
    GUARDIANS,
    KEYS,
    ORACLES,
    ORDER,
    SIGNAL,
    TRADE,
    KnownVoters,
    SignedTrade,
    certificate,
)
from noderr.types.consensus.certificate_reference import CertificateReference
from noderr.types.consensus.execution import Execution, ExecutionReport
from noderr.types.trading import Fill, Liquidity, Money, Side
from noderr.validator_consensus.checks import ExecutionEvidence

__all__ = [
    "CONTRACT",
    "EXPIRES_S",
    "FILL",
    "GUARDIANS",
    "KEYS",
    "ORACLES",
    "ORDER",
    "SECOND_FILL",
    "SIGNAL",
    "TRADE",
    "TRANSACTION",
    "KnownVoters",
    "Trade",
    "certificate",
]

TRANSACTION = b"\7" * 32
CONTRACT = b"\xcc" * 20

FILL = Fill(
    fill_id="f-1",
    client_order_id="a-1",
    venue="kraken",
    symbol="BTC/USD",
    side=Side.BUY,
    price=Decimal("64000"),
    quantity=Decimal("0.2"),
    fee=Money(Decimal("12.8"), "USD"),
    liquidity=Liquidity.TAKER,
    at_ns=NOW_NS + SECOND_NS,
)
SECOND_FILL = copy.replace(FILL, fill_id="f-2", quantity=Decimal("0.3"), at_ns=NOW_NS + 2 * SECOND_NS)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trade(SignedTrade):
    """What happened. `report` and `evidence` follow from it, so that one lie can be told with all else true."""

    execution_changes: dict[str, Any] = dataclasses.field(default_factory=dict)
    transaction: bytes | None = TRANSACTION

    @property
    def execution(self) -> Execution:
        fields: dict[str, Any] = {
            "trade_id": TRADE,
            "executor": KEYS[0].address,
            "proposal": self.proposal.digest,
            "oracles": CertificateReference.of(self.oracle_certificate),
            "guardians": CertificateReference.of(self.guardian_certificate),
            "order": ORDER,
            "fills": (FILL, SECOND_FILL),
        }
        return Execution(**(fields | self.execution_changes))

    @property
    def report(self) -> ExecutionReport:
        return ExecutionReport(epoch=1, round=7, execution=self.execution, settlement_transaction=self.transaction)

    @property
    def evidence(self) -> ExecutionEvidence:
        return ExecutionEvidence(
            proposal=self.proposal,
            agreed_signal=self.agreed_signal,
            oracle_certificate=self.oracle_certificate,
            guardian_certificate=self.guardian_certificate,
        )
