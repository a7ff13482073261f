"""An amount of one currency. Sums are exact or refused."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from noderr.types.trading.checks import check_currency, check_number
from noderr.types.trading.decimals import add, decimal_text
from noderr.types.trading.errors import CurrencyError


@dataclass(frozen=True, slots=True)
class Money:
    """`amount` may be negative: a debt, a loss, a rebate on fees."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        check_number(self, "amount", self.amount)
        check_currency(self, "currency", self.currency)

    def __str__(self) -> str:
        return f"{decimal_text(self.amount)} {self.currency}"

    def __add__(self, other: Money) -> Money:
        """Raises `CurrencyError` and `InexactError`."""
        self._same(other)
        return Money(add(self.amount, other.amount), self.currency)

    def __sub__(self, other: Money) -> Money:
        """Raises `CurrencyError` and `InexactError`."""
        return self + -other

    def __neg__(self) -> Money:
        return Money(self.amount.copy_negate(), self.currency)

    def __lt__(self, other: Money) -> bool:
        """Raises `CurrencyError`."""
        self._same(other)
        return self.amount < other.amount

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyError(f"{self} and {other} are of two currencies: convert one at a named rate first")
