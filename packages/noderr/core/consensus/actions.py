"""What a round machine wants done. The machine decides, the driver does: signing, sending, telling."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from noderr.types.consensus import Certificate, Evidence, ProtocolMessage, Signed

type Payload = Signed[ProtocolMessage] | Certificate
"""What goes from voter to voter."""


class Failure(enum.StrEnum):
    """Why a round ended without a certificate. Each means no."""

    TIMEOUT = "timeout"
    NO_MAJORITY = "no-majority"


@dataclass(frozen=True, slots=True)
class Sign:
    """Have the guard permit and sign this, and give it back with `on_signed`. If it refuses, nothing more happens."""

    message: ProtocolMessage


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Send it to every other voter."""

    payload: Payload


@dataclass(frozen=True, slots=True)
class Send:
    """Send it to this voter."""

    voter: bytes
    payload: Payload


@dataclass(frozen=True, slots=True)
class Decided:
    """The round is over, and this proves how it ended; `content` is what the subject is the digest of."""

    certificate: Certificate
    content: object = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The round is over without a decision."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Accuse:
    """Somebody said two things; the evidence stands alone."""

    evidence: Evidence[ProtocolMessage]


type Action = Sign | Broadcast | Send | Decided | Failed | Accuse
