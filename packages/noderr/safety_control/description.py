"""What `/api/v1/safety` says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from noderr.safety_control.safety_log import Record
from noderr.safety_control.standing import Standing

_SECOND_NS = 1_000_000_000


class SafetyRecord(msgspec.Struct, frozen=True):
    """Who changed what, and why."""

    number: int
    at: datetime
    kind: str
    person: str
    reason: str


class SafetyDescription(msgspec.Struct, frozen=True):
    """`mode` is paper, live or halted; `trading` active, reducing or halted; `reasons` say why it is not more."""

    mode: str
    trading: str
    reasons: tuple[str, ...]
    lease_expires_at: datetime | None
    records: tuple[SafetyRecord, ...]


def describe_safety(standing: Standing, records: Sequence[Record]) -> SafetyDescription:
    """The newest record first."""
    expires = standing.lease_expires_at_s
    return SafetyDescription(
        standing.mode.value,
        standing.state.value,
        standing.reasons,
        None if expires is None else datetime.fromtimestamp(expires, UTC),
        tuple(
            SafetyRecord(
                each.number,
                datetime.fromtimestamp(each.at_ns / _SECOND_NS, UTC),
                each.kind.value,
                each.person,
                each.reason,
            )
            for each in reversed(records)
        ),
    )
