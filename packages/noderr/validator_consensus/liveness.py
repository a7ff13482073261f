"""Who takes part: of the last slots that were decided, in how many each voter signed a certificate.

Certificates of one slot that differ in who signed add up, so that nodes which know the same certificates have the same
figures, in whatever order these came. A slot that nobody decided is held against nobody.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from noderr.types.consensus import Certificate, VoterSet
from noderr.utils import SqliteStore
from noderr.validator_consensus.errors import LivenessError

FILE_NAME = "liveness.sqlite3"
_MAX_SQLITE_INTEGER = (1 << 63) - 1
_MAX_WINDOW_SLOTS = 100_000

_MIGRATIONS = (
    """
    CREATE TABLE presences (
        slot INTEGER NOT NULL,
        validator BLOB NOT NULL,
        signed INTEGER NOT NULL,
        PRIMARY KEY (slot, validator)
    ) WITHOUT ROWID;
    """,
)


@dataclass(frozen=True, slots=True)
class Participation:
    """Of `slots` decided slots in which it might vote, a validator signed in `signed`."""

    slots: int
    signed: int

    @property
    def bps(self) -> int:
        """Basis points, rounded down."""
        return 10_000 * self.signed // self.slots


class LivenessTracker:
    """The tracker in `folder`. Its calls, and opening, raise `noderr.utils` errors (`StoreError`) too."""

    def __init__(self, folder: Path, window_slots: int = 1440) -> None:
        """`window_slots` slots count, ending with the newest that was decided. Raises `LivenessError`."""
        if not 1 <= window_slots <= _MAX_WINDOW_SLOTS:
            raise LivenessError(f"window_slots is {window_slots}: it must be 1 to {_MAX_WINDOW_SLOTS}")
        self._window = window_slots
        self._store = SqliteStore(folder / FILE_NAME, _MIGRATIONS)

    async def record(self, certificate: Certificate, voters: VoterSet) -> None:
        """Who signed it, in the slot that its round is; the same again changes nothing, nor does one before the window.

        The certificate is verified already. Raises `LivenessError` for one that is not of these voters.
        """
        signers = {part.voter for part in certificate.signatures}
        if (certificate.tier, certificate.epoch) != (voters.tier, voters.epoch) or not signers <= voters.weights.keys():
            raise LivenessError(
                f"a certificate of tier {certificate.tier}, epoch {certificate.epoch} is not of the voters of tier "
                f"{voters.tier}, epoch {voters.epoch}: verify it first"
            )
        if not 0 <= certificate.round <= _MAX_SQLITE_INTEGER:
            raise LivenessError(f"the certificate is of round {certificate.round}: no slot has this number")
        rows = [(certificate.round, voter, voter in signers) for voter in voters.voters]
        await self._store.run(lambda connection: self._record(connection, rows))

    async def participation(self) -> Mapping[bytes, Participation]:
        """Everyone who might vote in the window, by address."""
        rows = await self._store.run(
            lambda connection: connection.execute(
                "SELECT validator, count(*), sum(signed) FROM presences "
                "WHERE slot > (SELECT max(slot) FROM presences) - ? GROUP BY validator ORDER BY validator",
                (self._window,),
            ).fetchall()
        )
        return {validator: Participation(slots, signed) for validator, slots, signed in rows}

    async def participation_bps(self, validator: bytes) -> int | None:
        """One validator's; None for one that might not vote in any slot of the window."""
        found = (await self.participation()).get(validator)
        return None if found is None else found.bps

    async def close(self) -> None:
        await self._store.close()

    def _record(self, connection: sqlite3.Connection, rows: list[tuple[int, bytes, bool]]) -> None:
        connection.executemany(
            "INSERT INTO presences VALUES (?, ?, ?) "
            "ON CONFLICT (slot, validator) DO UPDATE SET signed = max(signed, excluded.signed)",
            rows,
        )
        connection.execute("DELETE FROM presences WHERE slot <= (SELECT max(slot) FROM presences) - ?", (self._window,))
