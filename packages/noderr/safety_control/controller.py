"""The one answer to "may this node trade?", and the ways to change it.

Halting takes effect before it is written; anything that allows more is on the disk before it has any effect.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

from noderr.risk_engine.trading_state import TradingState
from noderr.safety_control.errors import PermitError, RecordError, SafetyError
from noderr.safety_control.live_permit import LivePermit, check_permits
from noderr.safety_control.permit_file import permits_from_text, permits_to_text
from noderr.safety_control.safety_log import Kind, Record, SafetyLog, check_words
from noderr.safety_control.standing import Standing, Wish, decide, halted, restriction
from noderr.types.consensus import Signed, VoterSet
from noderr.types.eip712 import Domain
from noderr.utils import Clock, UtilsError

_SECOND_NS = 1_000_000_000


class SafetyController:
    """`guardians` gives who permits, and on which chain; None while that is not known."""

    def __init__(
        self, log: SafetyLog, wish: Wish, guardians: Callable[[], tuple[VoterSet, Domain] | None], clock: Clock
    ) -> None:
        self._safety_log = log
        self._wish = wish
        self._guardians = guardians
        self._clock = clock
        self._unwritten: tuple[str, str] | None = None
        self._lease: tuple[int, LivePermit] | None = None
        self._lease_problem = ""
        self.recent: tuple[Record, ...] = ()

    async def look(self) -> Standing:
        """What may be traded now, from the disk. What cannot be read is a halt. Raises nothing."""
        try:
            await self._write_halt()
            records = await self._safety_log.records()
            self.recent = tuple(records[-20:])
            lease = self._valid_lease(records)
            standing = decide(self._wish, records, lease, self._now_s())
            if self._lease_problem and standing.reasons:
                standing = copy.replace(standing, reasons=(*standing.reasons, self._lease_problem))
            return standing
        except (SafetyError, UtilsError) as error:
            return halted(f"the safety log cannot be used: {error}")

    async def halt(self, person: str, reason: str) -> Standing:
        """At once, and by anybody: the first has the say, again changes nothing. Raises `RecordError` without a reason.

        When the disk refuses, the node is halted all the same, and goes on trying to write it down.
        """
        self._unwritten = self._unwritten or (check_words("person", person), check_words("reason", reason))
        return await self.look()

    async def reduce(self, person: str, reason: str) -> Standing:
        """Only what reduces from now on. Raises `RecordError` where all is halted: that would be more, not less."""
        if restriction(await self._safety_log.records())[0] is TradingState.HALTED:
            raise RecordError("trading is halted: resume it first, and then reduce")
        await self._append(Kind.REDUCE, person, reason)
        return await self.look()

    async def resume(self, person: str, reason: str) -> Standing:
        """Lift what was halted or reduced. It is written before anything may be traded. Raises `RecordError`."""
        await self._append(Kind.RESUME, person, reason)
        return await self.look()

    async def renew(self, permits: Sequence[Signed[LivePermit]], person: str, reason: str) -> LivePermit:
        """Take the guardians' permit as the lease. Raises `PermitError`, also for one that is over sooner."""
        permit = self._check(permits)
        lease = self._valid_lease(await self._safety_log.records())
        if lease is not None and lease.expires_at_s >= permit.expires_at_s:
            raise PermitError(f"it is over at {permit.expires_at_s}, and the lease at {lease.expires_at_s} already")
        await self._append(Kind.LEASE, person, reason, permits_to_text(permits))
        return permit

    async def note_mode(self, standing: Standing) -> None:
        """Write down in which mode the node found itself, if it is another one than the last time."""
        records = await self._safety_log.records()
        before = next((record.detail for record in reversed(records) if record.kind is Kind.MODE), None)
        if before != standing.mode:
            reason = "; ".join(standing.reasons)[:400] or "nothing stands against it"
            await self._append(Kind.MODE, "node", reason, standing.mode)

    async def _append(self, kind: Kind, person: str, reason: str, detail: str = "") -> None:
        await self._safety_log.append(kind, person, reason, self._clock.now_ns(), detail)

    async def _write_halt(self) -> None:
        if self._unwritten is None:
            return
        person, reason = self._unwritten
        if restriction(await self._safety_log.records())[0] is not TradingState.HALTED:
            await self._append(Kind.HALT, person, reason)
        self._unwritten = None

    def _valid_lease(self, records: Sequence[Record]) -> LivePermit | None:
        """That of the last LEASE, verified anew in every process: what the file says is no proof."""
        self._lease_problem = ""
        record = next((record for record in reversed(records) if record.kind is Kind.LEASE), None)
        if record is None:
            return None
        if self._lease is None or self._lease[0] != record.number:
            try:
                self._lease = (record.number, self._check(permits_from_text(record.detail)))
            except PermitError as error:
                self._lease_problem = f"the lease in record {record.number} is none: {error}"
                return None
        return self._lease[1]

    def _check(self, permits: Sequence[Signed[LivePermit]]) -> LivePermit:
        known = self._guardians()
        if known is None:
            raise PermitError("nobody knows who the guardians are: set NODEOS_VOTERS_FILE")
        voters, domain = known
        return check_permits(permits, voters, domain, now_s=self._now_s())

    def _now_s(self) -> int:
        return self._clock.now_ns() // _SECOND_NS
