"""One order with everything that the checks look at, worked out once."""

from __future__ import annotations

from decimal import Decimal

from noderr.risk_engine.book import NOTHING, Book, Holding
from noderr.risk_engine.decision import Reason
from noderr.risk_engine.flow import OrderFlow
from noderr.risk_engine.limits import InstrumentLimits, RiskLimits
from noderr.risk_engine.reason_code import ReasonCode
from noderr.risk_engine.snapshot import PortfolioSnapshot
from noderr.risk_engine.trading_state import TradingState
from noderr.types.trading import Order, Side

_ZERO = Decimal(0)

MS = 1_000_000
"""Nanoseconds in a millisecond."""


class Case:
    """`reference` is the usable price of the order's symbol, if there is one; `worst_price` then is the order's worst.

    `reduces`: even if all that is open is filled, the order only brings the position nearer to nothing. To be made and
    checked inside of `exactly()`.
    """

    __slots__ = (
        "book",
        "flow",
        "found",
        "holding",
        "instrument",
        "limits",
        "notional",
        "now_ns",
        "order",
        "parent",
        "reduces",
        "reference",
        "snapshot",
        "state",
        "worst_price",
    )

    def __init__(
        self,
        order: Order,
        snapshot: PortfolioSnapshot,
        *,
        limits: RiskLimits,
        flow: OrderFlow,
        state: TradingState,
        parent: str | None,
        now_ns: int,
    ) -> None:
        self.order = order
        self.snapshot = snapshot
        self.limits = limits
        self.flow = flow
        self.state = state
        self.parent = parent
        self.now_ns = now_ns
        self.found: list[Reason] = []
        self.instrument: InstrumentLimits | None = limits.by_symbol.get(order.symbol)
        book: Book = flow.book(snapshot, limits.in_flight_ms * MS)
        self.book = book
        holding: Holding = book.holdings.get(order.symbol, NOTHING)
        self.holding = holding
        if order.side is Side.BUY:
            self.reduces = holding.most + order.quantity <= _ZERO
        else:
            self.reduces = holding.least - order.quantity >= _ZERO
        reference = snapshot.usable.get(order.symbol)
        self.reference: Decimal | None = None if reference is None else reference.price
        self.worst_price: Decimal | None = order.limit_price if order.limit_price is not None else self.reference
        self.notional: Decimal | None = None if self.worst_price is None else order.quantity * self.worst_price

    def deny(
        self, code: ReasonCode, observed: Decimal | int | str | None, limit: Decimal | int | str | None, unit: str
    ) -> None:
        self.found.append(Reason(code, observed, limit, unit))

    def share(self, fraction: Decimal) -> Decimal:
        """So much of the equity, in quote."""
        return fraction * self.snapshot.equity
