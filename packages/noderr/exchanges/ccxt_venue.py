"""A real venue through ccxt: orders go out only when `submit` says so, once, and silence is no answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from noderr.exchanges.ccxt_account import CcxtAccount
from noderr.exchanges.ccxt_errors import rejection, told, translated
from noderr.exchanges.ccxt_import import ccxt_errors
from noderr.exchanges.ccxt_tracking import Tracked
from noderr.exchanges.errors import InvalidOrderError, OutcomeUnknownError, VenueError
from noderr.exchanges.updates import CancelRejected, Rejected, RejectReason
from noderr.types.trading import FieldError, Order, TimeInForce
from noderr.types.trading.decimals import decimal_text


class CcxtVenue(CcxtAccount):
    """A `Venue`, in one event loop; whoever makes it closes it."""

    async def submit(self, order: Order, *, post_only: bool = False) -> None:
        """Raises `InvalidOrderError` also for an id that the venue has already, and before `on_update`."""
        instrument = await self._instrument(order.symbol)
        name, now_ns = order.client_order_id, self._clock.now_ns()
        if self._take is None:
            raise InvalidOrderError(f"{name}: nobody takes this venue's updates: call on_update first")
        try:
            instrument.check_quantity(order.quantity, order.limit_price)
            if order.limit_price is not None:
                instrument.check_price(order.limit_price)
        except FieldError as error:
            raise InvalidOrderError(f"{name}: {error}") from error
        if post_only and order.time_in_force not in (TimeInForce.GTC, TimeInForce.GTD):
            raise InvalidOrderError(
                f"{name}: post-only and {order.time_in_force.value}: what must not take has to rest"
            )
        params = self._dialect.create_params(order, post_only, now_ns)
        # Venues take an id again when its order is over, so what may have been sent once is looked up, not sent again.
        if self._sent.may_have_been_sent(order) and await self.order(name, order.symbol) is not None:
            raise InvalidOrderError(f"{name}: {self.name} has it already: ask for it instead")
        await self._create(order, params)

    async def cancel(self, client_order_id: str) -> None:
        symbol = await self._symbol(client_order_id)
        if symbol is None:
            self._cancel_rejected(client_order_id, RejectReason.UNKNOWN_ORDER, "no open order has this id")
            return
        tracked, why = self._tracked.get(client_order_id), None
        venue_order_id = "" if tracked is None else tracked.venue_order_id or ""
        try:
            await self._exchange.cancel_order(venue_order_id, symbol, {"clientOrderId": client_order_id})
        except ccxt_errors().InvalidOrder as error:
            why = told(error)
        except Exception as error:
            raise translated(error, f"cancel of {client_order_id} at {self.name}", changes=True) from None
        found = await self._read(client_order_id, symbol)
        if why is None:
            return
        if found is None:
            self._cancel_rejected(client_order_id, RejectReason.UNKNOWN_ORDER, why)
        elif found.state.is_final:
            self._cancel_rejected(client_order_id, RejectReason.TOO_LATE, why)
        else:
            raise VenueError(
                f"{self.name} lists {client_order_id} as {found.state.value} and does not cancel it: {why}"
            )

    async def _create(self, order: Order, params: Mapping[str, Any]) -> None:
        name = order.client_order_id
        tracked = self._tracked[name] = Tracked(order)
        self._sent.begin(order)
        price = None if order.limit_price is None else decimal_text(order.limit_price)
        try:
            created = await self._exchange.create_order(
                order.symbol, order.type.value, order.side.value, decimal_text(order.quantity), price, dict(params)
            )
            venue_order_id, at_ms = str(created["id"] or ""), created["timestamp"]
            at_ns = self._clock.now_ns() if at_ms is None else int(at_ms) * 1_000_000
            if not venue_order_id:
                raise OutcomeUnknownError(f"{self.name} answered without an id for {name}: ask for the order")
            self._say(tracked.accept(venue_order_id, at_ns))
        except Exception as error:
            if (reason := rejection(error)) is not None:
                self._forget(name)
                self._say(
                    [Rejected(client_order_id=name, reason=reason, detail=told(error), at_ns=self._clock.now_ns())]
                )
                return
            raised = translated(error, f"order {name} at {self.name}", changes=True)
            if not isinstance(raised, OutcomeUnknownError):
                self._forget(name)
            raise raised from None
        finally:
            self._sent.end(name)

    async def _symbol(self, client_order_id: str) -> str | None:
        """From what we sent, or what the venue lists as open."""
        await self.instruments()
        if (ours := self._sent.order(client_order_id)) is not None:
            return ours.symbol
        listed = await self._ask("open orders", self._dialect.open(self._exchange))
        return next((one.order.symbol for one in listed if one.order.client_order_id == client_order_id), None)

    def _cancel_rejected(self, client_order_id: str, reason: RejectReason, detail: str) -> None:
        at_ns = self._clock.now_ns()
        self._say([CancelRejected(client_order_id=client_order_id, reason=reason, detail=detail, at_ns=at_ns)])
