"""Executions as protobuf messages (`wire/execution.proto`) and back. What makes no sense raises `FieldError`."""

from __future__ import annotations

from noderr.types.consensus.certificate_reference import CertificateReference
from noderr.types.consensus.execution import MAX_FILLS, Execution, ExecutionReport
from noderr.types.trading.errors import FieldError
from noderr.types.trading.on_wire import fill_from_wire, fill_to_wire, order_from_wire, order_to_wire
from noderr.types.wire import execution_pb2 as pb


def execution_to_wire(execution: Execution) -> pb.Execution:
    return pb.Execution(
        trade_id=execution.trade_id,
        proposal=execution.proposal,
        executor=execution.executor,
        oracles=_reference_to_wire(execution.oracles),
        guardians=_reference_to_wire(execution.guardians),
        order=order_to_wire(execution.order),
        fills=[fill_to_wire(fill) for fill in execution.fills],
    )


def execution_from_wire(message: pb.Execution) -> Execution:
    """Raises `FieldError`."""
    if len(message.fills) > MAX_FILLS:
        # Before any of them is read.
        raise FieldError("Execution", "fills", len(message.fills), f"1 to {MAX_FILLS} fills")
    return Execution(
        trade_id=message.trade_id,
        proposal=message.proposal,
        executor=message.executor,
        oracles=_reference_from_wire(message.oracles),
        guardians=_reference_from_wire(message.guardians),
        order=order_from_wire(message.order),
        fills=tuple(fill_from_wire(fill) for fill in message.fills),
    )


def execution_report_to_wire(report: ExecutionReport) -> pb.ExecutionReport:
    return pb.ExecutionReport(
        epoch=report.epoch,
        round=report.round,
        execution=execution_to_wire(report.execution),
        settlement_transaction=report.settlement_transaction,
    )


def execution_report_from_wire(message: pb.ExecutionReport) -> ExecutionReport:
    """Raises `FieldError`."""
    settled = message.HasField("settlement_transaction")
    return ExecutionReport(
        epoch=message.epoch,
        round=message.round,
        execution=execution_from_wire(message.execution),
        settlement_transaction=message.settlement_transaction if settled else None,
    )


def _reference_to_wire(reference: CertificateReference) -> pb.CertificateReference:
    return pb.CertificateReference(
        epoch=reference.epoch,
        round=reference.round,
        topic=reference.topic,
        certificate=reference.certificate,
    )


def _reference_from_wire(message: pb.CertificateReference) -> CertificateReference:
    return CertificateReference(
        epoch=message.epoch,
        round=message.round,
        topic=message.topic,
        certificate=message.certificate,
    )
