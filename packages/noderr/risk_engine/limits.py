"""What an order is checked against: a versioned record with one digest, the `ruleset` of a trade proposal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cached_property

from noderr.types.canonical_json import canonical_digest
from noderr.types.trading import FieldError, Instrument
from noderr.types.trading.checks import check_currency, check_id, check_integer, check_number

_MOST = 1_000_000
_DAY_MS = 86_400_000
_MOST_INSTRUMENTS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentLimits:
    """What may be traded, and of it: `max_quantity` of one order in base, `fraction` of equity held at the most.

    Instruments that move together share a `group`, such as "btc".
    """

    instrument: Instrument
    max_quantity: Decimal
    fraction: Decimal = Decimal("0.10")
    group: str

    def __post_init__(self) -> None:
        check_number(self, "max_quantity", self.max_quantity, least=0)
        check_number(self, "fraction", self.fraction, least=0)
        check_id(self, "group", self.group)


@dataclass(frozen=True, kw_only=True)
class RiskLimits:
    """Fractions are of equity (losses: of the equity that they are measured from); times are milliseconds.

    Nothing can be traded that is not among `instruments`. Raises `FieldError` for a limit that makes no sense.
    """

    version: int
    currency: str
    instruments: tuple[InstrumentLimits, ...] = ()

    order_notional: Decimal = Decimal(100_000)
    order_fraction: Decimal = Decimal("0.05")
    collar_fraction: Decimal = Decimal("0.05")
    group_fraction: Decimal = Decimal("0.40")
    gross_fraction: Decimal = Decimal("0.95")
    net_fraction: Decimal = Decimal("0.95")
    turnover_fraction: Decimal = Decimal("1.00")
    daily_loss_fraction: Decimal = Decimal("0.03")
    drawdown_fraction: Decimal = Decimal("0.15")

    open_orders: int = 10
    orders_per_second: int = 5
    orders_per_minute: int = 60
    children: int = 20
    repeats: int = 5

    snapshot_age_ms: int = 30_000
    reference_age_ms: int = 5_000
    order_age_ms: int = 10_000
    clock_skew_ms: int = 1_000
    duplicate_window_ms: int = 1_000
    flow_window_ms: int = 3_600_000
    in_flight_ms: int = 10_000

    allow_market: bool = False
    allow_short: bool = False

    def __post_init__(self) -> None:
        check_integer(self, "version", self.version, 1, _MOST)
        check_currency(self, "currency", self.currency)
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name.endswith(("_fraction", "_notional")):
                check_number(self, each.name, value, least=0)
            elif each.name.endswith("_ms"):
                check_integer(self, each.name, value, 0, _DAY_MS)
            elif each.name in ("open_orders", "orders_per_second", "orders_per_minute", "children", "repeats"):
                check_integer(self, each.name, value, 0, _MOST)
            elif each.name.startswith("allow_") and not isinstance(value, bool):
                raise FieldError("RiskLimits", each.name, value, "true or false")
        self._check_together()

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the canonical text, 32 bytes: two guardians that have the same judge alike."""
        return canonical_digest(self)

    @cached_property
    def by_symbol(self) -> Mapping[str, InstrumentLimits]:
        return {each.instrument.symbol: each for each in self.instruments}

    @cached_property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """The symbols of each group."""
        names = {each.group for each in self.instruments}
        return {
            name: tuple(each.instrument.symbol for each in self.instruments if each.group == name) for name in names
        }

    def _check_together(self) -> None:
        symbols = [each.instrument.symbol for each in self.instruments]
        if len(symbols) > _MOST_INSTRUMENTS or symbols != sorted(set(symbols)):
            # One set of limits has one writing, and with it one digest.
            raise FieldError(
                "RiskLimits", "instruments", symbols, f"at most {_MOST_INSTRUMENTS}, once each, ascending by symbol"
            )
        for each in self.instruments:
            if each.instrument.quote != self.currency:
                raise FieldError("RiskLimits", "instruments", each.instrument.symbol, f"quoted in {self.currency}")
        if self.flow_window_ms < max(60_000, self.duplicate_window_ms, self.in_flight_ms):
            # What is forgotten can neither be counted nor found again.
            raise FieldError(
                "RiskLimits", "flow_window_ms", self.flow_window_ms, "a minute, duplicate_window_ms and in_flight_ms"
            )
