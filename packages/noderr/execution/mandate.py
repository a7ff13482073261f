"""What an approval comes to: just this order, until just then, with what proves it. The engine acts on nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from copy import replace
from dataclasses import dataclass

from noderr.types.consensus.certificate_reference import CertificateReference
from noderr.types.consensus.execution import Execution
from noderr.types.trading import Fill, Order
from noderr.types.trading.checks import check_bytes, check_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """`trade_id` is the proposal's id, `proposal` its digest. From `deadline_ns` on a fill breaks the approval."""

    trade_id: bytes
    proposal: bytes
    order: Order
    oracles: CertificateReference
    guardians: CertificateReference
    deadline_ns: int

    def __post_init__(self) -> None:
        check_bytes(self, "trade_id", self.trade_id, 32)
        check_bytes(self, "proposal", self.proposal, 32)
        check_time(self, "deadline_ns", self.deadline_ns)

    def execution(self, executor: bytes, fills: Iterable[Fill]) -> Execution:
        """The record for settlement and attestation. Raises `FieldError` where there are no fills, or too many.

        A venue's fill names the child order that it saw; here it names the approved one.
        """
        named = [replace(fill, client_order_id=self.order.client_order_id) for fill in fills]
        return Execution(
            trade_id=self.trade_id,
            executor=executor,
            proposal=self.proposal,
            oracles=self.oracles,
            guardians=self.guardians,
            order=self.order,
            fills=tuple(sorted(named, key=lambda fill: (fill.at_ns, fill.venue, fill.fill_id))),
        )
