"""Errors of `noderr.types.consensus`.

TypesError
├── WeightError          weights that make no set of voters
└── RefusedMessage       a message that does not count; `reason` is its code
    └── CertificateError a certificate that proves nothing
"""

from __future__ import annotations

import enum

from noderr.types.errors import TypesError


class Reason(enum.StrEnum):
    """Why a message does not count: labels of a metric, words in logs, and the names of the contracts' errors."""

    MALFORMED = "malformed"
    OVERSIZED = "oversized"
    BUSY = "busy"
    TOO_MANY = "too-many"
    WRONG_CHAIN = "wrong-chain"
    WRONG_EPOCH = "wrong-epoch"
    NOT_A_MEMBER = "not-a-member"
    BAD_SIGNATURE = "bad-signature"
    EXPIRED = "expired"
    FUTURE = "future"
    REPLAYED = "replayed"
    DUPLICATE = "duplicate"
    EQUIVOCATION = "equivocation"
    WRONG_SUBJECT = "wrong-subject"
    WRONG_LEADER = "wrong-leader"
    UNPROVEN = "unproven"
    NO_QUORUM = "no-quorum"


class WeightError(TypesError, ValueError):
    """No weights, a weight of zero, a name that is no address."""


class RefusedMessage(TypesError):
    """A message, a vote or a certificate that does not count. The loop that gets it goes on."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        super().__init__(f"{reason}: {detail}")


class CertificateError(RefusedMessage):
    """A certificate that does not prove what it says."""
