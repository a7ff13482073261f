"""What a validator itself recorded of a market around a moment, and how far from it a fill may be."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from noderr.types.trading import Fill, Money
from noderr.types.trading.decimals import is_exact, multiply
from noderr.validator_consensus.errors import BandError

_ONE_BPS = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class PriceBand:
    """The lowest and the highest price that was traded or quoted, in quote per base."""

    low: Decimal
    high: Decimal

    def __post_init__(self) -> None:
        if not (is_exact(self.low) and is_exact(self.high) and 0 < self.low <= self.high):
            raise BandError(f"a band from {self.low} to {self.high}: both are Decimals, 0 < low <= high")

    def holds(self, price: Decimal, tolerance_bps: int) -> bool:
        """Whether the price lies in the band, widened on both sides by the tolerance. Raises `InexactError`.

        A price that is too good did not happen either.
        """
        scaled = multiply(price, _ONE_BPS)
        return multiply(self.low, _ONE_BPS - tolerance_bps) <= scaled <= multiply(self.high, _ONE_BPS + tolerance_bps)


@dataclass(frozen=True, slots=True)
class FeeBounds:
    """The least and the most that a fill may cost: a venue rounds."""

    least: Money
    most: Money

    def __post_init__(self) -> None:
        """Raises `BandError`, and `CurrencyError` for two currencies."""
        if self.most < self.least:
            raise BandError(f"fees from {self.least} to {self.most}: the least comes first")

    def holds(self, fee: Money) -> bool:
        """Whether it is in the currency and within the bounds."""
        return fee.currency == self.least.currency and not (fee < self.least or self.most < fee)


class BandSource(Protocol):
    """This validator's own recording of markets; what the executor says is no source."""

    async def band(self, venue: str, symbol: str, from_ns: int, to_ns: int) -> PriceBand | None:
        """Of all prices recorded from one moment through the other. May raise any `Exception`.

        None where nothing was recorded, and where a gap may hide a price: an honest fill could be outside of the rest.
        """


class FeeSchedule(Protocol):
    """What venues charge."""

    async def fees(self, fill: Fill) -> FeeBounds | None:
        """None for a venue or an account that it does not know. May raise any `Exception`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BandLimits:
    """Prices are compared with those within `window_ms` before and after a fill. `clock_skew_ms`: how much earlier than
    the order a fill may seem to be, since two machines tell the times.
    """

    window_ms: int = 2000
    tolerance_bps: int = 10
    clock_skew_ms: int = 1000

    def __post_init__(self) -> None:
        for field, least, most in (
            ("window_ms", 1, 600_000),
            ("tolerance_bps", 0, 9_999),
            ("clock_skew_ms", 0, 60_000),
        ):
            value = getattr(self, field)
            if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
                raise BandError(f"BandLimits.{field} is {value!r}: it must be an int from {least} to {most}")
