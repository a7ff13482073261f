"""What the gate says of an order, and why."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from decimal import Decimal

from noderr.risk_engine.reason_code import ReasonCode


class Outcome(enum.StrEnum):
    """There is no third: an order that was signed is taken as it is or not at all, never made smaller by the gate."""

    APPROVED = "approved"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Reason:
    """`observed` broke `limit`, both in `unit` (a currency, "BTC", "ns", "orders"). None: there is nothing to show."""

    code: ReasonCode
    observed: Decimal | int | str | None
    limit: Decimal | int | str | None
    unit: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Denied for `reasons`, all that were found; approved with none. The digests say by which figures and limits.

    `worst_price` is the most unfavourable price of an approved order in quote per base: its limit, or the reference.
    """

    outcome: Outcome
    reasons: tuple[Reason, ...]
    worst_price: Decimal | None
    snapshot_digest: bytes
    limits_digest: bytes

    @property
    def approved(self) -> bool:
        return self.outcome is Outcome.APPROVED
