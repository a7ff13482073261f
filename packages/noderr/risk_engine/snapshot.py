"""The portfolio that an order is judged on, with the sums that the gate needs of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property

from noderr.risk_engine.book import Book
from noderr.types.trading.portfolio import OpenOrder, Portfolio, Reference

__all__ = ["OpenOrder", "PortfolioSnapshot", "Reference"]


@dataclass(frozen=True, kw_only=True)
class PortfolioSnapshot(Portfolio):
    """A `Portfolio`; what is worked out of it is worked out once."""

    @classmethod
    def of(cls, portfolio: Portfolio) -> PortfolioSnapshot:
        """The same portfolio, with the same digest."""
        return cls(**{each.name: getattr(portfolio, each.name) for each in fields(portfolio)})

    @cached_property
    def open_ids(self) -> frozenset[str]:
        """The client's ids of the open orders."""
        return frozenset(each.client_order_id for each in self.open_orders)

    @cached_property
    def by_symbol(self) -> Mapping[str, Reference]:
        """The reference prices, whatever they are."""
        return {each.symbol: each for each in self.references}

    @cached_property
    def usable(self) -> Mapping[str, Reference]:
        """Those that are prices."""
        return {each.symbol: each for each in self.references if each.usable}

    @cached_property
    def book(self) -> Book:
        """Its sums."""
        return self.book_with(())

    def book_with(self, in_flight: Iterable[OpenOrder]) -> Book:
        """The sums when these orders are open as well."""
        return Book(self.positions, (*self.open_orders, *in_flight), self.usable)
