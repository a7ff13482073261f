"""When a tier's rounds begin: number and time of each slot."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slots:
    """Slot 0 begins at `genesis_ns`."""

    genesis_ns: int
    period_ns: int

    def start_ns(self, number: int) -> int:
        return self.genesis_ns + number * self.period_ns

    def at(self, now_ns: int) -> int:
        """The number of the slot that it is."""
        return (now_ns - self.genesis_ns) // self.period_ns
