"""Randomness of rounds from the chain: RANDAO of a block whose number the plan fixes beforehand, once it is final.

The last proposer before the block can withhold it and so choose between two values, at the price of the block's reward
(eth2book.info, "RANDAO biasability"): a drand beacon is better where it can be reached. The block's hash is no part of
the value, because a proposer can try as many hashes as it has time for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from noderr.oracle_consensus.errors import FalseRandomnessError, NoRandomnessError
from noderr.oracle_consensus.randomness.public_randomness import RandomValue, RoundPlan
from noderr.types.keccak import keccak256
from noderr.types.trading.checks import check_bytes, check_integer

_PURPOSE = b"noderr block randomness v1\0"
_MAX_U64 = (1 << 64) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockHeader:
    """What is read of a block. `mix_hash` is RANDAO (EIP-4399: PREVRANDAO)."""

    number: int
    hash: bytes
    mix_hash: bytes

    def __post_init__(self) -> None:
        check_integer(self, "number", self.number, 0, _MAX_U64)
        check_bytes(self, "hash", self.hash, 32)
        check_bytes(self, "mix_hash", self.mix_hash, 32)


class Chain(Protocol):
    """A read-only view of the chain. Both raise `NoRandomnessError` when it does not answer."""

    async def finalised_number(self) -> int:
        """The number of the latest block that is final: it and those before it never change."""

    async def header(self, number: int) -> BlockHeader:
        """The header of the block with this number on the chain that is final."""


class FinalisedBlock:
    """`plan` is in block numbers. A round waits until its block is final, some 13 minutes on Ethereum."""

    def __init__(self, plan: RoundPlan, chain: Chain) -> None:
        self._plan = plan
        self._chain = chain

    async def of(self, epoch: int, round: int) -> RandomValue:
        """See `PublicRandomness`."""
        number = self._plan.at(epoch, round)
        finalised = await self._chain.finalised_number()
        if number > finalised:
            raise NoRandomnessError(f"block {number} is not final yet, {finalised} is: ask again later")
        header = await self._chain.header(number)
        if header.number != number:
            raise FalseRandomnessError(f"block {number} was asked for, and block {header.number} is shown")
        if not any(header.mix_hash):
            raise FalseRandomnessError(f"block {number} has no RANDAO: this chain cannot be a source of randomness")
        # On a chain above another several blocks share the lower one's RANDAO: the number makes them differ.
        value = keccak256(_PURPOSE + number.to_bytes(8, "big") + header.mix_hash)
        return RandomValue(value, number, header.hash)

    async def verify(self, shown: RandomValue, epoch: int, round: int) -> None:
        """See `PublicRandomness`. Reads the block again."""
        true = await self.of(epoch, round)
        if shown != true:
            raise FalseRandomnessError(
                f"block {shown.number} with the hash {shown.proof.hex()} is shown, and the round's is block "
                f"{true.number} with the hash {true.proof.hex()}, or another value follows from it"
            )
