"""When rounds happen: slots of equal length since the network's genesis, the same for everyone who has the time."""

from __future__ import annotations

from dataclasses import dataclass

from noderr.validator_consensus.errors import BeforeGenesisError, SlotError

_SECOND_NS = 1_000_000_000
# Nanoseconds that every record and the database hold.
_MAX_TIME_NS = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class SlotClock:
    """Slot 0 begins at `genesis_s` (Unix seconds); each lasts `slot_s` seconds, and attestations come in its first
    `attestation_timeout_s`. The slot's number is the round's.
    """

    genesis_s: int
    slot_s: int = 60
    attestation_timeout_s: int = 30
    slots_per_epoch: int = 1440

    def __post_init__(self) -> None:
        for field, least, most in (
            ("genesis_s", 0, _MAX_TIME_NS // _SECOND_NS - 1),
            ("slot_s", 1, 86_400),
            ("attestation_timeout_s", 1, self.slot_s),
            ("slots_per_epoch", 1, 1_000_000_000),
        ):
            value = getattr(self, field)
            if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
                raise SlotError(f"SlotClock.{field} is {value!r}: it must be an int from {least} to {most}")

    def slot_at(self, now_ns: int) -> int:
        """The slot in which this moment (UTC nanoseconds since 1970) lies. Raises `BeforeGenesisError`, `SlotError`."""
        since_ns = now_ns - self.genesis_s * _SECOND_NS
        if since_ns < 0:
            raise BeforeGenesisError(
                f"it is {now_ns} ns, {-since_ns} ns before the first slot: wait, or set the machine's clock"
            )
        if now_ns > _MAX_TIME_NS:
            raise SlotError(f"it is {now_ns} ns: a time is at most {_MAX_TIME_NS}")
        return since_ns // (self.slot_s * _SECOND_NS)

    def start_ns(self, slot: int) -> int:
        """The first moment of the slot. Raises `SlotError`."""
        start_ns = (self.genesis_s + slot * self.slot_s) * _SECOND_NS
        if slot < 0 or start_ns > _MAX_TIME_NS:
            raise SlotError(f"slot {slot} does not exist: slots count from 0, and time ends in the year 2262")
        return start_ns

    def deadline_ns(self, slot: int) -> int:
        """From this moment on the slot's attestations come too late. Raises `SlotError`."""
        return self.start_ns(slot) + self.attestation_timeout_s * _SECOND_NS

    def epoch_of(self, slot: int) -> int:
        """Epochs are so many whole slots, from 0. Raises `SlotError`."""
        self.start_ns(slot)
        return slot // self.slots_per_epoch
