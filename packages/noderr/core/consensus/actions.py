"""What a round machine wants done. The machine decides, the driver does: signing, sending, telling.

They are structs because dozens are made in a round, and making one takes an eighth of what a frozen dataclass takes.
"""

from __future__ import annotations

import enum

from msgspec import Struct

from noderr.types.consensus import Certificate, Evidence, ProtocolMessage, Signed

type Payload = Signed[ProtocolMessage] | Certificate
"""What goes from voter to voter."""


class Failure(enum.StrEnum):
    """Why a round ended without a certificate. Each means no."""

    TIMEOUT = "timeout"
    NO_MAJORITY = "no-majority"


class Sign(Struct, frozen=True):
    """Have the guard permit and sign this, and give it back with `on_signed`. If it refuses, nothing more happens."""

    message: ProtocolMessage


class Broadcast(Struct, frozen=True):
    """Send it to every other voter."""

    payload: Payload


class Send(Struct, frozen=True):
    """Send it to this voter."""

    voter: bytes
    payload: Payload


class Decided(Struct, frozen=True):
    """The round is over, and this proves how it ended; `content` is what the subject is the digest of."""

    certificate: Certificate
    content: object = None


class Failed(Struct, frozen=True):
    """The round is over without a decision."""

    failure: Failure


class Accuse(Struct, frozen=True):
    """Somebody said two things; the evidence stands alone."""

    evidence: Evidence[ProtocolMessage]


type Action = Sign | Broadcast | Send | Decided | Failed | Accuse
