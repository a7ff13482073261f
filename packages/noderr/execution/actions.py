"""What a trade wants done, in this order. What is written must be on the disk before anything after it is done."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from noderr.execution.records import FinishReason, Record
from noderr.types.trading import Fill, Order


@dataclass(frozen=True, slots=True)
class Write:
    """Append it to the journal, on the disk, before what follows."""

    record: Record


@dataclass(frozen=True, slots=True)
class Submit:
    """Send it once, and say by `on_submit_result` how that went; until then the trade waits for it."""

    venue: str
    order: Order
    post_only: bool


@dataclass(frozen=True, slots=True)
class Cancel:
    """Ask the venue to. Nobody needs to say how it went: the venue's updates and answers do."""

    venue: str
    client_order_id: str


@dataclass(frozen=True, slots=True)
class Query:
    """Ask the venue what became of it, and tell by `on_venue_order` or `on_query_failed`."""

    venue: str
    client_order_id: str
    symbol: str


@dataclass(frozen=True, slots=True)
class Stamps:
    """When things happened by this node's clock; None for what never did."""

    approved_ns: int
    first_submit_ns: int | None
    first_fill_ns: int | None
    finished_ns: int


@dataclass(frozen=True, slots=True)
class Finished:
    """Nothing is open at any venue any more; `fills` are all that the venues made, each named by its child order."""

    trade_id: bytes
    fills: tuple[Fill, ...]
    reason: FinishReason
    stamps: Stamps


class FaultKind(enum.StrEnum):
    """What should never happen. All but STUCK end the trade's sending, and the engine's."""

    OVERFILL = "overfill"
    LATE_FILL = "late-fill"
    """A fill of an order that the venue had said was over, or never there."""
    BEYOND_LIMIT = "beyond-limit"
    CONTRADICTION = "contradiction"
    """The venue said two things that cannot both be true."""
    FOREIGN = "foreign"
    """An answer or a fill under our id that is of another order."""
    BAD_PLAN = "bad-plan"
    """The plan wanted more than was asked for, or a worse price than the limit."""
    STUCK = "stuck"
    """The venue has not said for a long time what became of an order."""

    @property
    def halts(self) -> bool:
        return self is not FaultKind.STUCK


@dataclass(frozen=True, slots=True)
class Fault:
    """`client_order_id` is empty where no one order is at fault."""

    kind: FaultKind
    trade_id: bytes
    client_order_id: str
    detail: str


type Action = Write | Submit | Cancel | Query | Finished | Fault


class SubmitResult(enum.Enum):
    """SENT: it left, and updates will follow. NOT_SENT: it surely did not. UNKNOWN: nobody can tell."""

    SENT = "sent"
    NOT_SENT = "not-sent"
    UNKNOWN = "unknown"
