"""Randomness of rounds from a drand beacon. Who fetched it matters to nobody: the signature is the proof."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from noderr.oracle_consensus.errors import FalseRandomnessError, NoRandomnessError
from noderr.oracle_consensus.randomness.drand_beacon import QUICKNET, Beacon
from noderr.oracle_consensus.randomness.public_randomness import RandomValue, RoundPlan


class BeaconMirror(Protocol):
    """Where signatures of a beacon's rounds are fetched."""

    async def signature(self, round: int) -> bytes:
        """What this mirror says is the round's signature. Raises `NoRandomnessError`."""


class Drand:
    """`plan` is in Unix seconds: a round's randomness is the first that is published at its moment or later."""

    def __init__(self, plan: RoundPlan, mirrors: Sequence[BeaconMirror], beacon: Beacon = QUICKNET) -> None:
        self._plan = plan
        self._mirrors = mirrors
        self._beacon = beacon

    async def of(self, epoch: int, round: int) -> RandomValue:
        """See `PublicRandomness`. The mirrors are asked in turn until one has a signature that verifies."""
        number = self._number(epoch, round)
        complaints = []
        for mirror in self._mirrors:
            try:
                signature = await mirror.signature(number)
                return RandomValue(self._beacon.randomness(number, signature), number, signature)
            except (NoRandomnessError, FalseRandomnessError) as error:
                complaints.append(str(error))
        raise NoRandomnessError(
            f"no mirror has drand round {number}, due at {self._beacon.published_at_s(number)}: "
            f"{'; '.join(complaints) or 'there is no mirror, name one'}"
        )

    async def verify(self, shown: RandomValue, epoch: int, round: int) -> None:
        """See `PublicRandomness`. Asks nobody."""
        number = self._number(epoch, round)
        if shown.number != number:
            raise FalseRandomnessError(f"drand round {shown.number} is shown, and round {number} is the one due")
        if shown.value != self._beacon.randomness(number, shown.proof):
            raise FalseRandomnessError(f"the value shown is not the hash of the signature of drand round {number}")

    def _number(self, epoch: int, round: int) -> int:
        return self._beacon.round_from(self._plan.at(epoch, round))
