"""Votes on executions from the wire: one whose codes do not bear out its choice never gets to a round."""

from __future__ import annotations

from collections.abc import Iterator

from noderr.core.consensus.actions import Payload
from noderr.core.consensus.codec import Codec
from noderr.types.consensus import Certificate, Reason, RefusedMessage, Vote
from noderr.types.trading.errors import FieldError
from noderr.validator_consensus.errors import VerdictError
from noderr.validator_consensus.verdict import check_attestation


class AttestationCodec(Codec):
    """As `Codec`; certificates are held to the same, vote by vote."""

    def decode(self, content: bytes) -> Iterator[Payload | RefusedMessage]:
        """As `Codec.decode`. What contradicts itself is refused as UNPROVEN."""
        for payload in super().decode(content):
            yield _contradiction(payload) or payload


def _contradiction(payload: Payload | RefusedMessage) -> RefusedMessage | None:
    if isinstance(payload, RefusedMessage):
        return None
    try:
        for vote in _votes(payload):
            check_attestation(vote)
    except FieldError as error:
        return RefusedMessage(Reason.MALFORMED, str(error))
    except VerdictError as error:
        return RefusedMessage(Reason.UNPROVEN, str(error))
    return None


def _votes(payload: Payload) -> list[Vote]:
    """Raises `FieldError` for a certificate of what is no vote."""
    if isinstance(payload, Certificate):
        return [payload.vote_of(part) for part in payload.signatures]
    return [payload.message] if isinstance(payload.message, Vote) else []
