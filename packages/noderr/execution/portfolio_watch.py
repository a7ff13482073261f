"""This node's portfolio when it is asked for, and the marks of its losses, which survive a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import structlog

from noderr.exchanges.account import Account
from noderr.exchanges.errors import AccountError, VenueError
from noderr.exchanges.updates import VenueOrder
from noderr.execution.proposals.portfolio_of import EquityMarks, portfolio_of
from noderr.types.trading.portfolio import Portfolio, Reference
from noderr.utils import Clock, StateFile

_log = structlog.get_logger("noderr.execution")


class AccountedVenue(Protocol):
    """A venue whose account this node keeps itself."""

    @property
    def account(self) -> Account | None:
        """None while it is not open."""

    async def open_orders(self) -> tuple[VenueOrder, ...]: ...


class PortfolioWatch:
    """Call it for the portfolio as of now; None while an account is down, or something held has no price."""

    def __init__(
        self,
        venues: Mapping[str, AccountedVenue],
        references: Callable[[], Mapping[str, Reference]],
        currency: str,
        path: Path,
        clock: Clock,
    ) -> None:
        """`path` is the file of the marks."""
        self._venues = venues
        self._references = references
        self._currency = currency
        self._file = StateFile(path, EquityMarks)
        self._clock = clock
        self._marks: EquityMarks | None = None

    async def __call__(self) -> Portfolio | None:
        """Raises `StateFileError` when the marks cannot be kept: losses would be measured from somewhere else."""
        before = await self._last_marks()
        try:
            told = [await venue.open_orders() for venue in self._venues.values()]
        except VenueError as error:
            _log.warning("no_portfolio", reason=str(error))
            return None
        orders = [order for of_venue in told for order in of_venue]
        accounts = [account for venue in self._venues.values() if (account := venue.account) is not None]
        if len(accounts) != len(self._venues):
            return None
        now_ns, references = self._clock.now_ns(), self._references()
        try:
            portfolio, marks = portfolio_of(
                accounts, orders, references, currency=self._currency, marks=before, now_ns=now_ns
            )
        except AccountError as error:
            _log.warning("no_portfolio", reason=str(error))
            return None
        if marks != before:
            await asyncio.to_thread(self._file.write, marks)
        self._marks = marks
        return portfolio

    async def _last_marks(self) -> EquityMarks | None:
        if self._marks is None:
            read = await asyncio.to_thread(self._file.read)
            self._marks = None if read is None else read.state
        return self._marks
