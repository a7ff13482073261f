"""What several tests share: limits, a portfolio and orders that pass, to be changed in one thing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from noderr.risk_engine import (
    Decision,
    InstrumentLimits,
    OpenOrder,
    OrderFlow,
    PortfolioSnapshot,
    PreTradeGate,
    ReasonCode,
    Reference,
    RiskLimits,
    TradingState,
)
from noderr.risk_engine.flow import Approved
from noderr.types.trading import Instrument, Money, Order, OrderType, Position, Side

NOW_NS = 1_790_000_000_000_000_000
SECOND_NS = 1_000_000_000


def instrument(symbol: str = "BTC/USD", **changes: Any) -> InstrumentLimits:
    base = symbol.partition("/")[0]
    one = Instrument(
        symbol=symbol,
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.001"),
        min_quantity=Decimal("0.001"),
        min_notional=Decimal(10),
    )
    usual: dict[str, Any] = {"instrument": one, "max_quantity": Decimal(5), "group": base.lower()}
    return InstrumentLimits(**usual | changes)


def limits(**changes: Any) -> RiskLimits:
    usual: dict[str, Any] = {"version": 1, "currency": "USD", "instruments": (instrument(), instrument("ETH/USD"))}
    return RiskLimits(**usual | changes)


def position(symbol: str, quantity: str) -> Position:
    amount = Decimal(quantity)
    return Position(
        symbol=symbol,
        quantity=amount,
        average_price=Decimal(100) if amount else None,
        realised_pnl=Money(Decimal(0), "USD"),
        as_of_ns=NOW_NS,
    )


def reference(symbol: str = "BTC/USD", price: str = "100", age_ns: int = 0) -> Reference:
    return Reference(symbol=symbol, price=Decimal(price), as_of_ns=NOW_NS - age_ns)


def snapshot(**changes: Any) -> PortfolioSnapshot:
    """10,000 USD, nothing held, and both prices 100."""
    usual: dict[str, Any] = {
        "currency": "USD",
        "cash": Decimal(10_000),
        "equity": Decimal(10_000),
        "day_start_equity": Decimal(10_000),
        "peak_equity": Decimal(10_000),
        "positions": (),
        "open_orders": (),
        "references": (reference(), reference("ETH/USD")),
        "as_of_ns": NOW_NS,
    }
    return PortfolioSnapshot(**usual | changes)


def order(number: int = 1, **changes: Any) -> Order:
    """Buys 1 BTC for 100 USD."""
    usual: dict[str, Any] = {
        "client_order_id": f"a-{number:07}",
        "symbol": "BTC/USD",
        "side": Side.BUY,
        "type": OrderType.LIMIT,
        "quantity": Decimal(1),
        "limit_price": Decimal(100),
        "created_at_ns": NOW_NS,
    }
    return Order(**usual | changes)


def open_order(number: int = 1, **changes: Any) -> OpenOrder:
    usual: dict[str, Any] = {
        "client_order_id": f"o-{number:07}",
        "symbol": "BTC/USD",
        "side": Side.BUY,
        "quantity": Decimal(1),
        "worst_price": Decimal(100),
    }
    return OpenOrder(**usual | changes)


def judge(
    changes: dict[str, Any] | None = None,
    *,
    portfolio: dict[str, Any] | None = None,
    limited: dict[str, Any] | None = None,
    state: TradingState = TradingState.ACTIVE,
    flow: OrderFlow | None = None,
    parent: str | None = None,
    now_ns: int = NOW_NS,
) -> Decision:
    """What the gate says of the usual order on the usual portfolio, but for the changes."""
    gate = PreTradeGate(limits(**limited or {}))
    return gate.check(
        order(**changes or {}),
        snapshot(**portfolio or {}),
        now_ns,
        flow=flow or gate.new_flow(),
        state=state,
        parent=parent,
    )


def codes(decision: Decision) -> set[ReasonCode]:
    return {reason.code for reason in decision.reasons}


def approved(*orders: dict[str, Any], at_ns: int = NOW_NS, parent: str | None = None) -> OrderFlow:
    """The flow after these orders, numbered from 100 on."""
    flow = PreTradeGate(limits()).new_flow()
    for number, changes in enumerate(orders, 100):
        flow.record(Approved(at_ns, order(number, **changes), Decimal(100), parent))
    return flow
