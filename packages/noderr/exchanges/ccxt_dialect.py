"""What differs from venue to venue, and ccxt does not level out: ids, lives of orders, trades, limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from noderr.exchanges.rate_limits import Pool
from noderr.exchanges.venue import FeeSchedule
from noderr.types.trading import Fill, Order, OrderState
from noderr.types.trading.decimals import to_base_units


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the venue says of an order, without its fills. `changed_at_ns` is when it got so, where the venue tells."""

    order: Order
    venue_order_id: str
    state: OrderState
    filled: Decimal
    changed_at_ns: int
    raw: Mapping[str, Any]


class Dialect(Protocol):
    """One venue. Requests go out through `exchange`, ccxt's object; what that raises is not caught here."""

    @property
    def name(self) -> str: ...

    @property
    def has_sandbox(self) -> bool: ...

    @property
    def one_at_a_time(self) -> bool:
        """Whether private requests have to arrive in the order of their nonces."""

    @property
    def settle_seconds(self) -> float:
        """After so long a request to create that is still on its way is void: what is not there then never was."""

    @property
    def pools(self) -> Mapping[str, Pool]:
        """The limits of the lowest kind of account."""

    @property
    def options(self) -> Mapping[str, Any]:
        """For ccxt's constructor."""

    def costs(self, path: str, method: str) -> Mapping[str, float]:
        """What a request costs of the pools."""

    def create_params(self, order: Order, post_only: bool, now_ns: int) -> Mapping[str, Any]:
        """For `create_order`. Raises `InvalidOrderError`."""

    async def find(
        self, exchange: Any, client_order_id: str, symbol: str, venue_order_id: str | None
    ) -> Told | None: ...

    async def open(self, exchange: Any) -> list[Told]: ...

    async def fills(self, exchange: Any, told: Told) -> tuple[Fill, ...]:
        """Of that order, ascending by time."""

    async def fees(self, exchange: Any, symbol: str) -> FeeSchedule: ...


def milliseconds_to_ns(value: object) -> int:
    """Of a whole number or its text."""
    return int(str(value)) * 1_000_000


def seconds_to_ns(value: object) -> int:
    """Of a text such as 1688148493.7708; what is finer than a nanosecond is cut off."""
    return to_base_units(Decimal(str(value)).quantize(Decimal("1e-9")), 9)
