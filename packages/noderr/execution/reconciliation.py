"""Looks at every account again and again, and tells where it does not hold what it should. The venue is the truth."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import structlog

from noderr.exchanges.venue import Venue
from noderr.execution.account_watch import AccountWatch
from noderr.execution.execution_journal import ExecutionJournal
from noderr.execution.reconciler import Level
from noderr.types.trading import Fill
from noderr.utils import Clock, within

_SECONDS = 30.0
_AGAIN_SECONDS = 5.0
_log = structlog.get_logger("noderr.execution")


class ReconciliationLoop:
    """`ours` are the ids of our orders at a venue that are not over. Their account is looked at when there are none."""

    def __init__(
        self,
        venues: Mapping[str, Venue],
        journal: ExecutionJournal,
        clock: Clock,
        ours: Callable[[str], Collection[str]],
        call_seconds: float,
    ) -> None:
        self._venues = venues
        self._journal = journal
        self._clock = clock
        self._ours = ours
        self._call_seconds = call_seconds
        self.watches = {name: AccountWatch() for name in venues}

    @property
    def paused(self) -> str | None:
        """Why no new trade may begin; None when one may."""
        names = sorted(name for name, watch in self.watches.items() if watch.paused)
        return f"what {', '.join(names)} holds is not what was traded" if names else None

    def on_fill(self, fill: Fill) -> None:
        if fill.venue in self.watches:
            self.watches[fill.venue].on_fill(fill)

    async def run(self) -> None:
        """Until cancelled. Raises `StoreError` where a correction cannot be written."""
        while True:
            wait = [await self.look(name) for name in self._venues]
            await self._clock.sleep(min(wait, default=_SECONDS))

    async def look(self, name: str) -> float:
        """At one account; the seconds until the next look."""
        if self._ours(name):
            return _AGAIN_SECONDS
        venue, watch = self._venues[name], self.watches[name]
        try:
            balances = await within(self._call_seconds, self._clock, venue.balances())
            orders = await within(self._call_seconds, self._clock, venue.open_orders())
        except Exception as error:  # A venue that does not answer says nothing of what it holds.
            _log.warning("account_not_seen", venue=name, reason=f"{type(error).__name__}: {error}")
            return _AGAIN_SECONDS
        if self._ours(name):
            return _AGAIN_SECONDS  # Something was sent meanwhile: what was seen is of no one moment.
        found, taken = watch.compare(balances, {one.order.client_order_id for one in orders}, ())
        if found.level is not Level.AGREES:
            _log.error(
                "account_differs",
                venue=name,
                level=found.level.value,
                drift=float(found.drift),
                corrections=[f"{one.currency}: {one.ours}, and the venue {one.venue}" for one in found.corrections],
                unknown_orders=found.unknown_orders,
            )
        if taken:
            await self._journal.correct(name, taken, self._clock.now_ns())
        return _SECONDS if found.level is Level.AGREES else _AGAIN_SECONDS
