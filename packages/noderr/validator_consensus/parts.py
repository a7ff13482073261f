"""The validators' consensus as a part of their node."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from noderr.core.consensus.actions import Decided, Failed
from noderr.core.consensus.membership import MemberSets
from noderr.core.consensus.round import Round
from noderr.core.consensus.routes import CONSENSUS_OPERATIONS, consensus_routes
from noderr.core.consensus.service import ConsensusService
from noderr.core.consensus.subject_rounds import SubjectRounds
from noderr.core.consensus.voter import ProtocolFacts, Voter
from noderr.core.parts import NodeContext, TierParts
from noderr.types.consensus import Choice, Reason, RefusedMessage, VoterSet, check_signature
from noderr.types.consensus.trade_proposal import trade_id
from noderr.utils import Clock
from noderr.validator_consensus.absent import NoChain, NoFees, NoPrices
from noderr.validator_consensus.attestation_codec import AttestationCodec
from noderr.validator_consensus.certificate_proof import CertificateRules
from noderr.validator_consensus.check_runner import CheckRunner
from noderr.validator_consensus.execution_band import ExecutionBandCheck
from noderr.validator_consensus.guardian_certificate import GuardianCertificateCheck
from noderr.validator_consensus.history import PastRound, RoundHistory
from noderr.validator_consensus.liveness import LivenessTracker
from noderr.validator_consensus.oracle_certificate import OracleCertificateCheck
from noderr.validator_consensus.price_band import BandSource, FeeSchedule
from noderr.validator_consensus.request import AttestationRequest, request_from_wire
from noderr.validator_consensus.settlement import SettlementCheck
from noderr.validator_consensus.verdict import verdict

REPORT_TOPIC = "consensus.validator.report"
"""Of the peers' messages with reports to attest."""
PERIOD_NS = 60_000_000_000
_NO_CONTRACT = bytes(20)
# Reports of one executor: as many as trades that it may have at once.
_MOST_OF_ONE = 64


class ReportJudge:
    """Runs the four checks on what an executor reports.

    `prices` is what this validator recorded, and `fees` what it knows of the venues', if it does.
    """

    def __init__(self, clock: Clock, prices: BandSource | None = None, fees: FeeSchedule | None = None) -> None:
        self._clock = clock
        self._prices = prices
        self._fees = fees

    def decode(self, content: bytes) -> AttestationRequest:
        """Raises `RefusedMessage`."""
        return request_from_wire(content)

    def check(self, subject: AttestationRequest, voter: Voter) -> None:
        """The executor is a validator, the trade is its own, and it signed the report. Raises `RefusedMessage`."""
        if subject.signed.signer not in voter.context.voters.weights:
            raise RefusedMessage(Reason.NOT_A_MEMBER, "the executor does not vote in this epoch")
        execution = subject.report.execution
        if execution.trade_id != trade_id(execution.oracles, subject.signed.signer):
            raise RefusedMessage(Reason.WRONG_SUBJECT, "the trade is not this executor's for this signal")
        check_signature(subject.signed, voter.context.domain, voter.context.signatures)

    async def judge(self, subject: AttestationRequest, voter: Voter) -> tuple[Choice, int]:
        rules = CertificateRules(MemberSets(voter.membership), voter.context.domain, voter.context.signatures)
        checks = (
            OracleCertificateCheck(rules),
            GuardianCertificateCheck(rules),
            ExecutionBandCheck(self._prices or NoPrices(), self._fees or NoFees()),
            SettlementCheck(NoChain(), _NO_CONTRACT),
        )
        said = verdict(await CheckRunner(checks, self._clock).run(subject.report, subject.evidence))
        return said.choice, said.codes

    def missing(self) -> Sequence[str]:
        prices = () if self._prices is not None else (NoPrices.missing,)
        fees = () if self._fees is not None else (NoFees.missing,)
        return (*prices, *fees, NoChain.missing)


class ValidatorRecords:
    """Who takes part, and how rounds ended."""

    def __init__(self, node: NodeContext) -> None:
        self._liveness = LivenessTracker(node.data_dir)
        self._history = RoundHistory(node.data_dir)

    async def ended(self, round_: Round, end: Decided | Failed, voters: VoterSet) -> None:
        if isinstance(end, Decided):
            await self._liveness.record(end.certificate, voters)
        outcome = end.certificate.choice if isinstance(end, Decided) else end.failure
        await self._history.record(PastRound(round_.round, round_.topic, outcome))

    async def close(self) -> None:
        await asyncio.gather(self._liveness.close(), self._history.close())


def consensus_parts(node: NodeContext, prices: BandSource | None = None, fees: FeeSchedule | None = None) -> TierParts:
    """The service `validator-consensus` and `/api/v1/consensus`; `prices` are those that this node records itself.

    Without prices, fees and a chain no execution passes all four checks: validators then abstain, or reject.
    """
    facts = ProtocolFacts(tier="validator", period_ns=PERIOD_NS, codec=AttestationCodec, keep=256)
    source = SubjectRounds(node, REPORT_TOPIC, ReportJudge(node.clock, prices, fees), most_each=_MOST_OF_ONE)
    service = ConsensusService(node, facts, source, records=lambda: ValidatorRecords(node))
    return TierParts(services=[service], routes=consensus_routes(service.describe), operations=CONSENSUS_OPERATIONS)
