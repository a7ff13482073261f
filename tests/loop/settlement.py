"""What follows a trade's last fill: it is settled on the chain, and the other validators are asked to attest it."""

from __future__ import annotations

from functools import partial

from contracts.evm import Reverted
from contracts.settlement import ApprovedTrade as SettledTrade
from contracts.settlement import SettlementChain
from noderr.execution.approval import ApprovedTrade
from noderr.types.consensus import sign
from noderr.types.consensus.execution import Execution, ExecutionReport
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


class Settlement:
    """Of one executor's trades. `validator` is its own, and votes as the others do."""

    def __init__(
        self,
        member: Member,
        validator: Validator,
        network: Network,
        *,
        chain: SettlementChain,
        slots: Slots,
        links: Links,
        journal: ReplayJournal,
    ) -> None:
        self._name = member.name
        self._key = member.key
        self._validator = validator
        self._network = network
        self._chain = chain
        self._slots = slots
        self._links = links
        self._clock = links.timeline
        self._journal = journal

    def settle(self, approved: ApprovedTrade, execution: Execution) -> None:
        """Now, and report it when the prices after its last fill are known."""
        assert approved.oracle_certificate is not None, "checked before it was executed"
        assert approved.guardian_certificate is not None, "checked before it was executed"
        settled = SettledTrade(
            oracles=approved.oracle_certificate,
            guardians=approved.guardian_certificate,
            proposal=approved.proposal,
            execution=execution,
        )
        now_ns, trade_id = self._clock.now_ns(), execution.trade_id
        try:
            receipt = self._chain.settle(self._key, settled, now_ns // _SECOND_NS)
        except Reverted as error:  # A venue that was so late that the certificates are over: nobody attests that.
            self._journal.add(now_ns, self._name, "not-settled", trade=trade_id, reason=str(error))
            return
        self._journal.add(now_ns, self._name, "settled", trade=trade_id, transaction=receipt.transaction)
        due_ns = execution.executed_at_ns + _BAND_NS
        self._clock.at(due_ns, partial(self._report, approved, execution, receipt.transaction))

    def _report(self, approved: ApprovedTrade, execution: Execution, transaction: bytes) -> None:
        report = ExecutionReport(
            epoch=EPOCH,
            round=self._slots.at(self._clock.now_ns()),
            execution=execution,
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
        self._links.send_all(self._name, others, REPORT_TOPIC, content)
        self._validator.on_report(self._name, content)
