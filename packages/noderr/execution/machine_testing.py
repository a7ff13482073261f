"""For tests: one trade, its machine, what it does, and an order as its venue has it."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from decimal import Decimal

from noderr.core.consensus.testing import NOW_NS, SECOND_NS
from noderr.exchanges.updates import Rejected, RejectReason, VenueOrder
from noderr.execution.actions import Action, Fault, FaultKind, Submit
from noderr.execution.allotment import Allotted, Wanted
from noderr.execution.bounds import TradeBounds
from noderr.execution.mandate import Mandate
from noderr.execution.trade_machine import TradeMachine
from noderr.types.consensus.certificate_reference import CertificateReference
from noderr.types.trading import Fill, Liquidity, Money, Order, OrderState, OrderType, Side

PARENT = Order(
    client_order_id="parent",
    symbol="BTC/USD",
    side=Side.BUY,
    type=OrderType.LIMIT,
    quantity=Decimal("1"),
    limit_price=Decimal("100"),
    created_at_ns=NOW_NS,
)
_REFERENCE = CertificateReference(epoch=1, round=1, topic=b"\1" * 32, certificate=b"\2" * 32)
MANDATE = Mandate(
    trade_id=b"\5" * 32,
    proposal=b"\6" * 32,
    order=PARENT,
    oracles=_REFERENCE,
    guardians=_REFERENCE,
    deadline_ns=NOW_NS + 30 * SECOND_NS,
)
BOUNDS = TradeBounds()


def ids(trade_id: bytes, child: int, attempt: int) -> str:
    return f"{trade_id.hex()[:8]}-{child}-{attempt}"


def halves(wanted: Wanted) -> Sequence[Allotted]:
    """Half each for the venues A and B, or all for the one that is left."""
    venues = [name for name in ("A", "B") if name not in wanted.shunned]
    if len(venues) == 2:
        half = (wanted.quantity / 2).quantize(Decimal("0.01"))
        parts = [("A", half), ("B", wanted.quantity - half)]
    else:
        parts = [(name, wanted.quantity) for name in venues]
    return [
        Allotted(venue=name, quantity=part, limit_price=wanted.order.limit_price) for name, part in parts if part > 0
    ]


def fill_of(order: Order, venue: str, quantity: Decimal, number: int = 0, at_ns: int = NOW_NS) -> Fill:
    return Fill(
        fill_id=f"{order.client_order_id}/{number}".replace("/", "."),
        client_order_id=order.client_order_id,
        venue=venue,
        symbol=order.symbol,
        side=order.side,
        price=order.limit_price or Decimal(100),
        quantity=quantity,
        fee=Money(Decimal(0), "USD"),
        liquidity=Liquidity.TAKER,
        at_ns=at_ns,
    )


@dataclasses.dataclass
class AtVenue:
    """One order as the venue has it."""

    order: Order
    venue: str
    state: OrderState
    fills: tuple[Fill, ...] = ()

    def said(self, now_ns: int) -> VenueOrder:
        filled = sum((fill.quantity for fill in self.fills), Decimal(0))
        return VenueOrder(
            order=self.order,
            venue_order_id=f"v-{self.order.client_order_id}",
            state=self.state,
            filled=filled,
            fills=self.fills,
            as_of_ns=now_ns,
        )


def new_machine(order: Order = PARENT, bounds: TradeBounds = BOUNDS) -> TradeMachine:
    mandate = copy.replace(MANDATE, order=order)
    return TradeMachine.of(mandate, halves, ids, bounds, now_ns=NOW_NS)


def submits(actions: Sequence[Action]) -> list[Submit]:
    return [action for action in actions if isinstance(action, Submit)]


def faults(actions: Sequence[Action]) -> list[FaultKind]:
    return [action.kind for action in actions if isinstance(action, Fault)]


def refuse(machine: TradeMachine, order: Order, now_ns: int, reason: RejectReason) -> list[Action]:
    update = Rejected(client_order_id=order.client_order_id, reason=reason, detail="no", at_ns=now_ns)
    return machine.on_update(update, now_ns)
