"""What a source of public randomness gives, and the rule that says which of its values is a round's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from noderr.oracle_consensus.errors import RandomnessError
from noderr.types.trading.checks import check_bytes, check_integer

_MAX_U64 = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class RandomValue:
    """32 random bytes. `number` is the beacon's round or the block's; `proof` its signature, or the block's hash."""

    value: bytes
    number: int
    proof: bytes

    def __post_init__(self) -> None:
        check_bytes(self, "value", self.value, 32)
        check_integer(self, "number", self.number, 0, _MAX_U64)


class PublicRandomness(Protocol):
    """A source. What it gives for a round is the same for everybody, and nobody has it before the round's moment."""

    async def of(self, epoch: int, round: int) -> RandomValue:
        """The round's randomness, verified. Raises `NoRandomnessError` or `FalseRandomnessError`."""

    async def verify(self, shown: RandomValue, epoch: int, round: int) -> None:
        """Nothing, if `shown` is the round's randomness. Raises `FalseRandomnessError` or `NoRandomnessError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundPlan:
    """Where rounds lie in a source's time: round 0 of epoch 0 at `first`, each later one `step` further.

    In Unix seconds for a beacon, in block numbers for a chain. With another plan one draws other committees.
    """

    first: int
    step: int
    rounds_per_epoch: int

    def __post_init__(self) -> None:
        check_integer(self, "first", self.first, 0, _MAX_U64)
        check_integer(self, "step", self.step, 1, _MAX_U64)
        check_integer(self, "rounds_per_epoch", self.rounds_per_epoch, 1, _MAX_U64)

    def at(self, epoch: int, round: int) -> int:
        """first + (epoch · rounds_per_epoch + round) · step. Raises `RandomnessError` where there is no such round."""
        if epoch < 0 or not 0 <= round < self.rounds_per_epoch:
            raise RandomnessError(
                f"there is no round {round} of epoch {epoch}: an epoch has the rounds 0 to {self.rounds_per_epoch - 1}"
            )
        return self.first + (epoch * self.rounds_per_epoch + round) * self.step
