"""What can happen to a row of frames: one is lost, comes twice, changes places with the next
of its market, or is damaged."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import msgspec
from hypothesis import Phase
from hypothesis import strategies as st

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""A mishap is described by a few numbers, and to find smaller ones costs minutes."""


class Fault(enum.Enum):
    DROPPED = "dropped"
    DUPLICATED = "duplicated"
    REORDERED = "reordered"
    CORRUPTED = "corrupted"


class Mishap(msgspec.Struct, frozen=True):
    """`at` is the frame's place among those that may be hit, `byte` where it is damaged, both modulo their number."""

    fault: Fault
    at: int
    byte: int
    value: int
    delay: int
    """Frames that come before the venue answers."""

    def happen(
        self, payloads: Sequence[bytes], markets: Sequence[str], places: Sequence[int], value: int | None = None
    ) -> tuple[list[tuple[int, bytes]], int]:
        """The frames with their true places, and the place that was hit: one of `places`."""
        hit = places[self.at % len(places)]
        row = list(enumerate(payloads))
        if self.fault is Fault.DROPPED:
            del row[hit]
        elif self.fault is Fault.DUPLICATED:
            row.insert(hit + 1, row[hit])
        elif self.fault is Fault.REORDERED:
            later = next(at for at in range(hit + 1, len(markets)) if markets[at] == markets[hit])
            row[hit], row[later] = row[later], row[hit]
        else:
            damaged = bytearray(payloads[hit])
            damaged[self.byte % len(damaged)] = self.value if value is None else value
            row[hit] = (hit, bytes(damaged))
        return row, hit


MISHAPS = st.builds(
    Mishap,
    fault=st.sampled_from(Fault),
    at=st.integers(0, 1 << 20),
    byte=st.integers(0, 1 << 20),
    value=st.integers(32, 126),
    delay=st.integers(0, 5),
)
