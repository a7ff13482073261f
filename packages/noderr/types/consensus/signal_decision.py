"""What the oracles hand to the validators: what they agreed on, and the certificate that proves it."""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.message import DecodeError

from noderr.types.consensus.agreed_signal import AgreedSignal
from noderr.types.consensus.certificate import Certificate
from noderr.types.consensus.errors import Reason, RefusedMessage
from noderr.types.consensus.on_wire import certificate_from_wire, certificate_to_wire
from noderr.types.errors import TypesError
from noderr.types.trading.on_wire import signal_from_wire, signal_to_wire
from noderr.types.wire import attestation_pb2, handover_pb2


@dataclass(frozen=True, slots=True)
class SignalDecision:
    """Nothing here is checked: the certificate is verified by who acts on it."""

    agreed_signal: AgreedSignal
    certificate: Certificate


def signal_decision_to_wire(decision: SignalDecision) -> bytes:
    return decision_to_message(decision).SerializeToString()


def decision_to_message(decision: SignalDecision) -> handover_pb2.SignalDecision:
    return handover_pb2.SignalDecision(
        agreed_signal=agreed_signal_to_wire(decision.agreed_signal),
        certificate=certificate_to_wire(decision.certificate),
    )


def decision_from_message(message: handover_pb2.SignalDecision) -> SignalDecision:
    """Raises `FieldError` and `RefusedMessage`."""
    return SignalDecision(agreed_signal_from_wire(message.agreed_signal), certificate_from_wire(message.certificate))


def signal_decision_from_wire(content: bytes) -> SignalDecision:
    """Raises `RefusedMessage`."""
    try:
        return decision_from_message(handover_pb2.SignalDecision.FromString(content))
    except RefusedMessage:
        raise
    except (DecodeError, TypesError) as error:
        raise RefusedMessage(Reason.MALFORMED, f"no decision on a signal: {error}") from error


def agreed_signal_to_wire(agreed: AgreedSignal) -> attestation_pb2.AgreedSignal:
    signal = None if agreed.signal is None else signal_to_wire(agreed.signal)
    return attestation_pb2.AgreedSignal(observations=agreed.observations, signal=signal)


def agreed_signal_from_wire(message: attestation_pb2.AgreedSignal) -> AgreedSignal:
    """Raises `FieldError`."""
    signal = signal_from_wire(message.signal) if message.HasField("signal") else None
    return AgreedSignal(observations=message.observations, signal=signal)
