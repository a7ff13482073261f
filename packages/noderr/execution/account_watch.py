"""What an account should hold: what it held at first, and every fill since. Compared while none of our orders is out.

A drift that is the same three times in a row is no race of two messages: then the venue's word takes ours' place, as a
record. What paused the trading ends with the first comparison that agrees.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal

from noderr.exchanges.venue import Balance
from noderr.execution.reconciler import Account, Correction, Level, Reconciliation, reconcile
from noderr.types.trading import Fill
from noderr.types.trading.decimals import add

_SAME = 3


class AccountWatch:
    """`paused` while the last comparison was bad enough. Amounts are exact."""

    def __init__(self) -> None:
        self._totals: dict[str, Decimal] | None = None
        self._seen: tuple[Correction, ...] = ()
        self._times = 0
        self.paused = False

    def on_fill(self, fill: Fill) -> None:
        """A fill that is new to us."""
        if self._totals is None:
            return  # The first look at the account has it.
        base = fill.symbol.partition("/")[0]
        self._add(base, fill.quantity * fill.side.sign)
        self._add(fill.notional.currency, -fill.notional.amount * fill.side.sign)
        self._add(fill.fee.currency, -fill.fee.amount)

    def compare(
        self, balances: Mapping[str, Balance], open_orders: Collection[str], ours: Collection[str]
    ) -> tuple[Reconciliation, tuple[Correction, ...]]:
        """What is found, and what of it was taken over from the venue now. Only while none of our orders is out."""
        totals = {currency: balance.total for currency, balance in balances.items()}
        if self._totals is None:
            self._totals = dict(totals)
        believed = {currency: amount for currency, amount in self._totals.items() if amount or currency in totals}
        found = reconcile(
            Account(totals=believed, open_orders=ours),
            Account(totals=totals, open_orders=open_orders),
            was_paused=self.paused,
        )
        self.paused = found.level is Level.PAUSE
        self._times = self._times + 1 if found.corrections == self._seen else 1
        self._seen = found.corrections
        if not found.corrections or self._times < _SAME:
            return found, ()
        self._totals, self._seen = dict(totals), ()
        return found, found.corrections

    def _add(self, currency: str, amount: Decimal) -> None:
        assert self._totals is not None
        self._totals[currency] = add(self._totals.get(currency, Decimal(0)), amount)
