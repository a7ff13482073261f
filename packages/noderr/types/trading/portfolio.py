"""A portfolio at one moment, as guardians judge orders on it: a record with one digest, a proposal's `snapshot`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cached_property

from noderr.types.canonical_json import canonical_digest
from noderr.types.trading.checks import check_currency, check_id, check_number, check_symbol, check_time
from noderr.types.trading.decimals import is_exact
from noderr.types.trading.errors import FieldError
from noderr.types.trading.order import Side
from noderr.types.trading.position import Position

_MOST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The last known price of `symbol`, quote per base. A feed may give what is no price, such as NaN."""

    symbol: str
    price: Decimal
    as_of_ns: int

    def __post_init__(self) -> None:
        check_symbol(self, "symbol", self.symbol)
        check_time(self, "as_of_ns", self.as_of_ns)
        if not isinstance(self.price, Decimal):
            raise FieldError("Reference", "price", self.price, "a Decimal")

    @property
    def usable(self) -> bool:
        """Whether it is a price: finite and above 0."""
        return is_exact(self.price) and self.price > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrder:
    """What of an order is still open: `quantity` in base, and the most unfavourable price it may be filled at."""

    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    worst_price: Decimal

    def __post_init__(self) -> None:
        check_id(self, "client_order_id", self.client_order_id)
        check_symbol(self, "symbol", self.symbol)
        check_number(self, "quantity", self.quantity, above=0)
        check_number(self, "worst_price", self.worst_price, above=0)


@dataclass(frozen=True, kw_only=True)
class Portfolio:
    """All money in `currency`. `day_start_equity` and `peak_equity` are what losses are measured from.

    Everything is as it was at `as_of_ns`, UTC. Raises `FieldError` for what cannot be. What has no usable price is let
    in, because the gate names it.
    """

    currency: str
    cash: Decimal
    equity: Decimal
    day_start_equity: Decimal
    peak_equity: Decimal
    positions: tuple[Position, ...]
    open_orders: tuple[OpenOrder, ...]
    references: tuple[Reference, ...]
    as_of_ns: int

    def __post_init__(self) -> None:
        check_currency(self, "currency", self.currency)
        for name in ("cash", "equity", "day_start_equity", "peak_equity"):
            check_number(self, name, getattr(self, name))
        check_time(self, "as_of_ns", self.as_of_ns)
        self._check_ascending("positions", [each.symbol for each in self.positions])
        self._check_ascending("open_orders", [each.client_order_id for each in self.open_orders])
        self._check_ascending("references", [each.symbol for each in self.references])
        for symbol in (each.symbol for group in (self.positions, self.open_orders, self.references) for each in group):
            if symbol.partition("/")[2] != self.currency:
                raise FieldError(type(self).__name__, "currency", symbol, f"quoted in {self.currency}, as the rest is")

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the canonical text, 32 bytes."""
        record: dict[str, object] = {each.name: getattr(self, each.name) for each in fields(self)}
        record["references"] = [
            # What is no price has no canonical number, and is the same to the gate whatever it is.
            {"symbol": each.symbol, "price": each.price if each.usable else "unusable", "as_of_ns": each.as_of_ns}
            for each in self.references
        ]
        return canonical_digest(record)

    def _check_ascending(self, name: str, keys: list[str]) -> None:
        if len(keys) > _MOST or keys != sorted(set(keys)):
            # One portfolio has one writing, and with it one digest.
            raise FieldError(type(self).__name__, name, keys, f"at most {_MOST}, once each, ascending")
