"""One order at a venue, followed from what the venue says, in whatever order and however often it says it. Pure.

A fill counts once, by its id. An update that says the order is over may overtake its fills, so it ends nothing: the
order is over when all of it is filled, when the venue rejects it, or when the venue, asked, says so with all its fills.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from noderr.exchanges.updates import (
    Accepted,
    Canceled,
    CancelRejected,
    Expired,
    Filled,
    OrderUpdate,
    Rejected,
    RejectReason,
    VenueOrder,
)
from noderr.execution.actions import FaultKind
from noderr.types.trading import Fill, Order, OrderState, Side, check_transition
from noderr.types.trading.decimals import add, multiply


@dataclass(frozen=True, slots=True)
class Heard:
    """What was new in an update or an answer: fills, and what should never have been said."""

    fills: tuple[Fill, ...] = ()
    faults: tuple[tuple[FaultKind, str], ...] = ()


_NOTHING = Heard()
_S = OrderState


class OrderTracker:
    """`filled` in base, `cost` in quote without fees, both exact. It begins as PENDING_NEW: about to be sent."""

    def __init__(self, order: Order, venue: str) -> None:
        self.order = order
        self.venue = venue
        self.state = _S.PENDING_NEW
        self.fills: dict[str, Fill] = {}
        self.filled = Decimal(0)
        self.cost = Decimal(0)
        self.announced: OrderState | None = None
        """The end that an update spoke of, until the venue is asked."""
        self.must_ask = False
        """The venue has to be asked: what is known does not say whether more will come."""
        self.is_known_there = False
        """Whether the venue ever said anything that proves it had the order."""
        self.rejected: RejectReason | None = None

    @property
    def is_over(self) -> bool:
        return self.state.is_final

    @property
    def working(self) -> Decimal:
        """In base: what the venue may still fill."""
        left = add(self.order.quantity, -self.filled)
        return Decimal(0) if self.is_over or left < 0 else left

    @property
    def average_price(self) -> Fraction | None:
        """Quote per base, exact; None before the first fill."""
        return Fraction(self.cost) / Fraction(self.filled) if self.fills else None

    def lose_sight(self) -> None:
        """Nobody knows any more whether the venue has it, or what became of it."""
        if not self.is_over:
            self._become(_S.UNKNOWN)
            self.must_ask = True

    def never_sent(self) -> bool:
        """It did not leave. False where the venue has spoken of it all the same: then it has to be asked."""
        if self.is_over:
            return True
        if self.is_known_there:
            self.must_ask = True
            return False
        self._become(_S.REJECTED)
        return True

    def cancel_asked(self) -> None:
        """The venue was asked to; until it says so, it may still fill it."""
        if self.state in (_S.NEW, _S.PARTIALLY_FILLED):
            self._become(_S.PENDING_CANCEL)

    def end(self, state: OrderState) -> None:
        """As the journal has it. Raises `TransitionError` where it cannot be."""
        self._become(state)
        self.must_ask = False

    def on_update(self, update: OrderUpdate) -> Heard:
        """Raises `InexactError` for numbers that no record can hold."""
        match update:
            case Filled(fill=fill):
                return self._take((fill,))
            case Accepted():
                if self.state is _S.REJECTED:
                    return self._contradiction("it was accepted after it was rejected or not there")
                self.is_known_there = True
                if self.state in (_S.PENDING_NEW, _S.UNKNOWN):
                    self._become(self._open_state())
            case Canceled() | Expired() if not self.is_over:
                self.announced = _S.CANCELED if isinstance(update, Canceled) else _S.EXPIRED
                self.is_known_there = self.must_ask = True
            case CancelRejected() if not self.is_over:
                if self.state is _S.PENDING_CANCEL:
                    self._become(self._open_state())
                self.must_ask = True
            case Rejected(reason=reason) if not self.is_over:
                if self.is_known_there or reason is RejectReason.DUPLICATE_ID:
                    self.must_ask = True  # What has fills, or another of its id, is there.
                else:
                    self.rejected = reason
                    self._become(_S.REJECTED)
        return _NOTHING

    def on_venue_order(self, said: VenueOrder) -> Heard:
        """The venue's answer. `must_ask` stays true where it is older than what is known already."""
        ours, theirs = self.order, said.order
        if (theirs.client_order_id, theirs.symbol, theirs.side, theirs.quantity) != (
            ours.client_order_id,
            ours.symbol,
            ours.side,
            ours.quantity,
        ):
            return Heard(faults=((FaultKind.FOREIGN, f"the venue has {theirs} under this id, and {ours} was sent"),))
        if self.state is _S.REJECTED and said.state is not _S.REJECTED and not said.fills:
            return self._contradiction(f"it is {said.state.value}, and it was rejected or not there")
        heard = self._take(said.fills)
        if self.is_over:
            return heard
        if said.state.is_final:
            # Fewer fills than are known: the answer is older than they are, or wrong. Ask until it is neither.
            self.must_ask = said.filled != self.filled or not self._may_end(said)
            if not self.must_ask:
                self._become(said.state)
        else:
            self.is_known_there = True
            if self.state is not _S.PENDING_CANCEL:
                self._become(self._open_state())
            self.must_ask = self.announced is not None
        return heard

    def _may_end(self, said: VenueOrder) -> bool:
        if said.state is _S.FILLED:
            return said.filled == self.order.quantity
        return said.state is not _S.REJECTED or not self.is_known_there

    def _take(self, fills: tuple[Fill, ...]) -> Heard:
        new: list[Fill] = []
        faults: list[tuple[FaultKind, str]] = []
        for fill in fills:
            known = self.fills.get(fill.fill_id)
            if known is not None:
                if (known.price, known.quantity) != (fill.price, fill.quantity):
                    faults.append((FaultKind.CONTRADICTION, f"{fill} has the id of {known}"))
                continue
            if self._is_foreign(fill):
                faults.append((FaultKind.FOREIGN, f"{fill} is no fill of {self.order}"))
                continue
            faults.extend(self._objections(fill))
            self.fills[fill.fill_id] = fill
            self.filled = add(self.filled, fill.quantity)
            self.cost = add(self.cost, multiply(fill.price, fill.quantity))
            self.is_known_there = True
            new.append(fill)
            self._step()
        return Heard(tuple(new), tuple(faults))

    def _is_foreign(self, fill: Fill) -> bool:
        ours = (self.venue, self.order.client_order_id, self.order.symbol, self.order.side)
        return (fill.venue, fill.client_order_id, fill.symbol, fill.side) != ours

    def _objections(self, fill: Fill) -> list[tuple[FaultKind, str]]:
        """What is wrong with a fill that is true all the same: the venue's word counts."""
        found: list[tuple[FaultKind, str]] = []
        limit = self.order.limit_price
        if limit is not None and (fill.price - limit) * self.order.side.sign > 0:
            word = "at most" if self.order.side is Side.BUY else "at least"
            found.append((FaultKind.BEYOND_LIMIT, f"{fill} was to be {word} {limit}"))
        if add(self.filled, fill.quantity) > self.order.quantity:
            found.append((FaultKind.OVERFILL, f"{fill} makes it more than the {self.order.quantity} that was sent"))
        elif self.is_over:
            found.append((FaultKind.LATE_FILL, f"{fill} came when the order was {self.state.value}"))
        return found

    def _step(self) -> None:
        """Where the fills so far leave it; an order that was over stays so."""
        if self.is_over:
            return
        if self.filled >= self.order.quantity:
            self._become(_S.FILLED)
        elif self.state is not _S.PENDING_CANCEL:
            self._become(_S.PARTIALLY_FILLED)

    def _open_state(self) -> OrderState:
        return _S.PARTIALLY_FILLED if self.fills else _S.NEW

    def _become(self, state: OrderState) -> None:
        if state is not self.state:
            check_transition(self.order.client_order_id, self.state, state)
            self.state = state

    def _contradiction(self, detail: str) -> Heard:
        return Heard(faults=((FaultKind.CONTRADICTION, detail),))
