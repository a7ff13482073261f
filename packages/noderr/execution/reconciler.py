"""What this node believes against what the venue says: positions, open orders, fills. The venue is the truth. Pure.

The drift is the largest of any currency: of a mean over currencies nobody knows in what to weigh it. From 0.1 % on
somebody is told, from 1 % on no new trade begins, and only below 0.1 % they begin again.
"""

from __future__ import annotations

import enum
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

ALERT = Fraction(1, 1000)
PAUSE = Fraction(1, 100)


class Level(enum.StrEnum):
    """What a reconciliation asks for."""

    AGREES = "agrees"
    ALERT = "alert"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One side of the comparison. `totals` by currency; `open_orders` and `fills` by their ids."""

    totals: Mapping[str, Decimal]
    open_orders: Collection[str]
    fills: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Correction:
    """The venue's total takes the place of ours: a record, so that it is never silent."""

    currency: str
    ours: Decimal
    venue: Decimal

    @property
    def drift(self) -> Fraction:
        """Of the larger of both, 0 to 2."""
        return abs(Fraction(self.ours) - Fraction(self.venue)) / max(
            abs(Fraction(self.ours)), abs(Fraction(self.venue))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """`unknown_orders` are open there, of our form, and none of ours; `lost_orders` we believe open, and are not there.

    `missing_fills` the venue has and we do not, `invented_fills` the other way round.
    """

    level: Level
    drift: Fraction
    corrections: tuple[Correction, ...]
    unknown_orders: tuple[str, ...]
    lost_orders: tuple[str, ...]
    missing_fills: tuple[str, ...]
    invented_fills: tuple[str, ...]


def reconcile(ours: Account, venue: Account, *, was_paused: bool = False) -> Reconciliation:
    """`was_paused`: then anything from `ALERT` on keeps it so."""
    corrections = tuple(
        Correction(currency, ours.totals.get(currency, Decimal(0)), venue.totals.get(currency, Decimal(0)))
        for currency in sorted({*ours.totals, *venue.totals})
        if ours.totals.get(currency, Decimal(0)) != venue.totals.get(currency, Decimal(0))
    )
    drift = max((one.drift for one in corrections), default=Fraction(0))
    unknown = sorted(name for name in set(venue.open_orders) - set(ours.open_orders) if is_our_form(name))
    missing = sorted(set(venue.fills) - set(ours.fills))
    invented = sorted(set(ours.fills) - set(venue.fills))
    lost = sorted(set(ours.open_orders) - set(venue.open_orders))
    if drift >= PAUSE or invented or unknown or (was_paused and drift >= ALERT):
        level = Level.PAUSE
    elif drift >= ALERT or missing or lost:
        level = Level.ALERT
    else:
        level = Level.AGREES
    return Reconciliation(
        level=level,
        drift=drift,
        corrections=corrections,
        unknown_orders=tuple(unknown),
        lost_orders=tuple(lost),
        missing_fills=tuple(missing),
        invented_fills=tuple(invented),
    )


def is_our_form(client_order_id: str) -> bool:
    """Whether it could be one of ours: a UUID of version 8."""
    try:
        made = uuid.UUID(client_order_id)
    except ValueError:
        return False
    return made.version == 8 and str(made) == client_order_id
