"""Where a round stands."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Status(enum.StrEnum):
    """Where a round stands."""

    OPEN = "open"
    DECIDED = "decided"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """What a round waits for: `missing` are the voters that have not spoken in this phase.

    `view` and `leader` are None where there are no leaders.
    """

    phase: str
    missing: tuple[bytes, ...]
    view: int | None = None
    leader: bytes | None = None
