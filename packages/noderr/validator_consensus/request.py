"""What an executor sends to have its execution attested: a signed report, and the evidence that it pins."""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.message import DecodeError

from noderr.types.consensus import Reason, RefusedMessage, Signed
from noderr.types.consensus.execution import ExecutionReport
from noderr.types.consensus.execution_on_wire import execution_report_from_wire, execution_report_to_wire
from noderr.types.consensus.on_wire import certificate_from_wire, certificate_to_wire
from noderr.types.consensus.signal_decision import agreed_signal_from_wire, agreed_signal_to_wire
from noderr.types.consensus.trade_proposal import trade_proposal_from_wire, trade_proposal_to_wire
from noderr.types.errors import TypesError
from noderr.types.wire import attestation_pb2 as pb
from noderr.validator_consensus.checks import ExecutionEvidence

_VALID_SECONDS = 3600
_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class AttestationRequest:
    """A subject of a round: `signed` is the report with the executor's signature."""

    signed: Signed[ExecutionReport]
    evidence: ExecutionEvidence

    @property
    def report(self) -> ExecutionReport:
        return self.signed.message

    @property
    def epoch(self) -> int:
        return self.report.epoch

    @property
    def round(self) -> int:
        return self.report.round

    @property
    def topic(self) -> bytes:
        return self.report.topic

    @property
    def digest(self) -> bytes:
        return self.report.digest

    @property
    def author(self) -> bytes:
        return self.signed.signer

    @property
    def expires_at_s(self) -> int:
        """An hour after the last fill, so that every validator's vote says the same."""
        return self.report.execution.executed_at_ns // _SECOND_NS + _VALID_SECONDS


def request_to_wire(request: AttestationRequest) -> bytes:
    evidence = request.evidence
    message = pb.AttestationRequest(report=execution_report_to_wire(request.report), signature=request.signed.signature)
    if evidence.proposal is not None:
        message.proposal.CopyFrom(trade_proposal_to_wire(evidence.proposal))
    if evidence.agreed_signal is not None:
        message.agreed_signal.CopyFrom(agreed_signal_to_wire(evidence.agreed_signal))
    if evidence.oracle_certificate is not None:
        message.oracle_certificate.CopyFrom(certificate_to_wire(evidence.oracle_certificate))
    if evidence.guardian_certificate is not None:
        message.guardian_certificate.CopyFrom(certificate_to_wire(evidence.guardian_certificate))
    return message.SerializeToString()


def request_from_wire(content: bytes) -> AttestationRequest:
    """Raises `RefusedMessage`; whether the executor signed it is not checked here."""
    try:
        message = pb.AttestationRequest.FromString(content)
        report = execution_report_from_wire(message.report)
        return AttestationRequest(
            Signed(report, report.execution.executor, message.signature),
            ExecutionEvidence(
                proposal=trade_proposal_from_wire(message.proposal) if message.HasField("proposal") else None,
                agreed_signal=(
                    agreed_signal_from_wire(message.agreed_signal) if message.HasField("agreed_signal") else None
                ),
                oracle_certificate=(
                    certificate_from_wire(message.oracle_certificate)
                    if message.HasField("oracle_certificate")
                    else None
                ),
                guardian_certificate=(
                    certificate_from_wire(message.guardian_certificate)
                    if message.HasField("guardian_certificate")
                    else None
                ),
            ),
        )
    except RefusedMessage:
        raise
    except (DecodeError, TypesError) as error:
        raise RefusedMessage(Reason.MALFORMED, f"no request to attest: {error}") from error
