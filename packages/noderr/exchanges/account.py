"""What fills add up to: balances, what open orders bind of them, positions, and what was earned. Spot only.

Money is conserved to the last digit: per symbol, realised + unrealised profit = what was paid and got + what is held at
its mark. Fees count as realised when they are paid.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from noderr.exchanges.cost_basis import CostBasis, CostMethod, basis_of, share
from noderr.exchanges.errors import AccountError
from noderr.exchanges.venue import Balance
from noderr.types.trading import Fill, Money, Position, Side
from noderr.types.trading.decimals import add, decimal_text, multiply

_ZERO = Decimal(0)


@dataclass(slots=True)
class _Holding:
    """Of one symbol, in its quote."""

    basis: CostBasis
    earned: Decimal = _ZERO
    fees: Decimal = _ZERO


@dataclass(slots=True)
class _Purse:
    """Of one currency. What is reserved is by order."""

    total: Decimal
    reserved: dict[str, Decimal] = field(default_factory=dict)

    def bound(self, but: str | None = None) -> Decimal:
        """What orders bind, those of others than `but`."""
        bound = _ZERO
        for order_id, amount in self.reserved.items():
            if order_id != but:
                bound = add(bound, amount)
        return bound


class Account:
    """One account at one venue. Sans-IO; every method may raise `InexactError`."""

    def __init__(self, opening: Mapping[str, Decimal], *, method: CostMethod = CostMethod.AVERAGE) -> None:
        """`opening` is what is there of each currency. Raises `AccountError`, and `FieldError` for what is none."""
        self._purses: defaultdict[str, _Purse] = defaultdict(lambda: _Purse(_ZERO))
        for currency, amount in opening.items():
            if Money(amount, currency).amount < 0:
                raise AccountError(f"the account opens with {amount} {currency}: spot accounts owe nothing")
            self._purses[currency] = _Purse(amount)
        self._holdings: defaultdict[str, _Holding] = defaultdict(lambda: _Holding(basis_of(method)))
        self._fills: dict[tuple[str, str], Fill] = {}

    def apply(self, fill: Fill) -> bool:
        """Take a fill; False when it was taken before. What it costs goes from its order's reservation first.

        Raises `AccountError`, changing nothing, for a fill that is another than the one of its id, whose fee is in
        another currency, or that takes more than is there and not bound by other orders.
        """
        known = self._fills.get((fill.venue, fill.fill_id))
        if known is not None:
            if known != fill:
                raise AccountError(f"fill {fill.fill_id} of {fill.venue} came again as another: {known}, then {fill}")
            return False
        base, _, quote = fill.symbol.partition("/")
        if fill.fee.currency != quote:
            raise AccountError(f"fill {fill.fill_id} costs {fill.fee}: fees are in {quote}, the quote of {fill.symbol}")
        signed = fill.quantity if fill.side is Side.BUY else -fill.quantity
        flows = {base: signed, quote: -add(multiply(signed, fill.price), fill.fee.amount)}
        for currency, flow in flows.items():
            purse = self._purses[currency]
            if flow < 0 and add(purse.total, flow) < purse.bound(fill.client_order_id):
                raise AccountError(
                    f"fill {fill.fill_id} takes {decimal_text(-flow)} {currency} and there are "
                    f"{decimal_text(purse.total)}, of which other orders bind "
                    f"{decimal_text(purse.bound(fill.client_order_id))}"
                )
        for currency, flow in flows.items():
            purse = self._purses[currency]
            purse.total = add(purse.total, flow)
            if flow < 0 and (bound := purse.reserved.get(fill.client_order_id)) is not None:
                purse.reserved[fill.client_order_id] = max(_ZERO, add(bound, flow))
        holding = self._holdings[fill.symbol]
        holding.earned = add(holding.earned, holding.basis.trade(signed, fill.price))
        holding.fees = add(holding.fees, fill.fee.amount)
        self._fills[fill.venue, fill.fill_id] = fill
        return True

    def reserve(self, order_id: str, money: Money) -> None:
        """Bind so much for an order, instead of what it had bound. Raises `AccountError` when it is not free."""
        if money.amount < 0:
            raise AccountError(f"order {order_id} is to bind {money}: not less than nothing")
        purse = self._purses[money.currency]
        if add(purse.bound(order_id), money.amount) > purse.total:
            raise AccountError(f"order {order_id} needs {money}: {decimal_text(self.free(money.currency))} are free")
        purse.reserved[order_id] = money.amount

    def release(self, order_id: str) -> None:
        """The order is over: what it had bound is free. Harmless when it had nothing."""
        for purse in self._purses.values():
            purse.reserved.pop(order_id, None)

    def free(self, currency: str) -> Decimal:
        """What no order binds."""
        purse = self._purses.get(currency)
        return _ZERO if purse is None else add(purse.total, -purse.bound())

    def balances(self) -> dict[str, Balance]:
        """By currency, those of nothing left out."""
        return {
            currency: Balance(currency=currency, free=self.free(currency), reserved=purse.bound())
            for currency, purse in sorted(self._purses.items())
            if purse.total
        }

    def position(self, symbol: str, as_of_ns: int) -> Position:
        """What this account's own fills add up to; what it opened with is none of it, so it may be short of that.

        The average price is rounded (`share`); `realised_pnl` is less the fees.
        """
        holding = self._holdings.get(symbol) or _Holding(basis_of(CostMethod.AVERAGE))
        quantity = holding.basis.quantity
        return Position(
            symbol=symbol,
            quantity=quantity,
            average_price=share(holding.basis.cost, Decimal(1), quantity) if quantity else None,
            realised_pnl=Money(add(holding.earned, -holding.fees), symbol.partition("/")[2]),
            as_of_ns=as_of_ns,
        )

    def positions(self, as_of_ns: int) -> tuple[Position, ...]:
        """Of every symbol that was traded, flat ones too."""
        return tuple(self.position(symbol, as_of_ns) for symbol in sorted(self._holdings))

    def fees(self, symbol: str) -> Money:
        """Paid so far; negative when rebates were more."""
        holding = self._holdings.get(symbol)
        return Money(_ZERO if holding is None else holding.fees, symbol.partition("/")[2])

    def unrealised_pnl(self, symbol: str, mark: Decimal) -> Money:
        """What would be earned if all were sold at `mark` for no fee."""
        holding = self._holdings.get(symbol)
        amount = _ZERO if holding is None else add(multiply(holding.basis.quantity, mark), -holding.basis.cost)
        return Money(amount, symbol.partition("/")[2])

    def equity(self, currency: str, marks: Mapping[str, Decimal]) -> Money:
        """All that is there, in one currency; `marks` are prices by symbol. Raises `AccountError` where one lacks."""
        total = _ZERO
        for held, purse in self._purses.items():
            if held == currency:
                total = add(total, purse.total)
            elif purse.total:
                mark = marks.get(f"{held}/{currency}")
                if mark is None:
                    raise AccountError(f"{decimal_text(purse.total)} {held} are held: give a mark of {held}/{currency}")
                total = add(total, multiply(purse.total, mark))
        return Money(total, currency)
