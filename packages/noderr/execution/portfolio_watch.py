"""This node's portfolio when it is asked for, and the marks of its losses, which survive a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import msgspec
import structlog

from noderr.exchanges.account import Account
from noderr.exchanges.errors import AccountError, VenueError
from noderr.exchanges.updates import VenueOrder
from noderr.execution.proposals.portfolio_of import EquityMarks, equity_of, portfolio_of
from noderr.types.trading.portfolio import Portfolio, Reference
from noderr.utils import Clock, StateFile

_log = structlog.get_logger("noderr.execution")


class AccountedVenue(Protocol):
    """A venue whose account this node keeps itself."""

    @property
    def account(self) -> Account | None:
        """None while it is not open."""

    async def open_orders(self) -> tuple[VenueOrder, ...]: ...


class _Marks(msgspec.Struct, frozen=True):
    day: int
    day_start: Decimal
    peak: Decimal


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
        self._file = StateFile(path, _Marks)
        self._clock = clock
        self._marks: EquityMarks | None = None

    async def __call__(self) -> Portfolio | None:
        """Raises `StateFileError` when the marks cannot be kept: losses would be measured from somewhere else."""
        try:
            told = [await venue.open_orders() for venue in self._venues.values()]
        except VenueError as error:
            _log.warning("no_portfolio", reason=str(error))
            return None
        accounts = [venue.account for venue in self._venues.values()]
        known: Sequence[Account] = [account for account in accounts if account is not None]
        if len(known) != len(accounts):
            return None
        now_ns, references = self._clock.now_ns(), self._references()
        try:
            equity = equity_of(known, self._currency, references.values())
        except AccountError as error:
            _log.warning("no_portfolio", reason=str(error))
            return None
        marks = await self._step(equity, now_ns)
        orders = [order for of_venue in told for order in of_venue]
        return portfolio_of(known, orders, references, currency=self._currency, marks=marks, now_ns=now_ns)

    async def _step(self, equity: Decimal, now_ns: int) -> EquityMarks:
        before = self._marks
        if before is None:
            read = await asyncio.to_thread(self._file.read)
            before = None if read is None else EquityMarks(read.state.day, read.state.day_start, read.state.peak)
        after = EquityMarks.first(equity, now_ns) if before is None else before.step(equity, now_ns)
        if after != before:
            await asyncio.to_thread(self._file.write, _Marks(after.day, after.day_start, after.peak))
        self._marks = after
        return after
