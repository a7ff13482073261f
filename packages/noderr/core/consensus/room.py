"""Which round gives way to a new one."""

from __future__ import annotations

from collections.abc import Container, Mapping

from noderr.core.consensus.early_messages import RoundKey
from noderr.core.consensus.round import Round
from noderr.core.consensus.status import Status
from noderr.types.consensus import Reason, RefusedMessage


def round_to_drop(rounds: Mapping[RoundKey, Round], ended: Container[RoundKey], now_ns: int) -> RoundKey:
    """The oldest that nothing can change any more, or else the oldest that has failed before its deadline: that one a
    certificate could still decide. `ended` are those whose end is told. Raises `RefusedMessage` when all are under way.
    """
    failed: RoundKey | None = None
    for key, round_ in rounds.items():
        if now_ns >= round_.deadline_ns or (round_.status is Status.DECIDED and key in ended):
            return key
        if failed is None and round_.status is Status.FAILED:
            failed = key
    if failed is None:
        raise RefusedMessage(Reason.BUSY, f"all of {len(rounds)} rounds are under way: try again later")
    return failed
